/** An event of the log: its level, its meaning, and the next step for the operator; null when none is needed. */
interface LogEvent {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly meaning: string
  readonly remedy: string | null
}

/**
 * Every event that is logged, by its text. The type of the logger accepts no other text, and each at its level only.
 * docs/reference.md lists them.
 */
export const LOG_EVENTS = {
  // A run.
  'run failed': {
    level: 'error',
    meaning: 'A run of the daemon failed. The field `err` has the cause.',
    remedy: 'Find the cause in the table of errors, or run `identifai-sync doctor`. The daemon continues.',
  },
  'run started': {
    level: 'info',
    meaning: 'A run started. The field `trigger` has its origin.',
    remedy: null,
  },
  'fresh run started': { level: 'debug', meaning: 'A fresh run started.', remedy: null },
  'run ended': {
    level: 'info',
    meaning: 'A run ended. The fields have its status, its counters, and its chain head.',
    remedy: null,
  },
  'nothing due': {
    level: 'debug',
    meaning: 'A fresh run found nothing to request, and removed its row.',
    remedy: null,
  },
  'batch loaded': {
    level: 'info',
    meaning: 'The records of one response were written.',
    remedy: null,
  },
  'due identifiers left to other runs': {
    level: 'info',
    meaning: 'Identifiers are due, but other runs that are alive have leased them. They request these.',
    remedy: null,
  },
  'missing identifiers retired': {
    level: 'info',
    meaning: 'Identifiers have been missing for `SYNC_RETIRE_MISSING_DAYS`, so they were retired.',
    remedy: null,
  },
  'time limit reached, the rest stays due': {
    level: 'info',
    meaning: 'The run reached `SYNC_MAX_DURATION_MINUTES`, and claims nothing more.',
    remedy: 'If it happens every night, run `identifai-sync plan`, and raise the limit.',
  },
  'stale run closed': {
    level: 'warn',
    meaning: 'An earlier run recorded no heartbeat for longer than a lease, so this run closed it.',
    remedy: 'Find out why its process ended: out of memory, a restart, or a lost database.',
  },
  'closing a stale run failed': {
    level: 'error',
    meaning:
      'A run whose process died could not be closed. The field `err` has the cause. This run continues.',
    remedy:
      'Nothing at first: the next run tries again. If it lasts, remove the cause, because reports lack this run.',
  },
  'claims released': {
    level: 'warn',
    meaning: 'Identifiers were returned to the queue without an outcome. The field `reason` has the cause.',
    remedy: 'Nothing: they are due again. If it lasts, see the cause in the table of errors.',
  },
  'leases expired, nothing written for them': {
    level: 'warn',
    meaning: 'The run held identifiers for longer than their lease, so their records were not written.',
    remedy: 'If it happens again, raise `SYNC_LEASE_SECONDS`, or find out what slows down the database.',
  },
  'lease renewal failed': {
    level: 'warn',
    meaning: 'The leases and the heartbeat of a run could not be renewed.',
    remedy: 'Nothing, if it happens once. Otherwise check the database.',
  },
  'timestamp request failed': {
    level: 'warn',
    meaning:
      'An authority of `SEAL_TIMESTAMP_URL` returned no timestamp of the chain head. The field `reason` has the cause. The run is sealed nevertheless.',
    remedy:
      'Nothing at first: the next run requests a timestamp of its own head. If it lasts, check the URL, the proxy and the firewall.',
  },
  // Requests.
  'request failed, retrying': {
    level: 'warn',
    meaning: 'A request failed for a transient reason, and is repeated after a delay.',
    remedy: 'Nothing, if the run succeeds. Otherwise check the status page of the API and the network.',
  },
  'quota exceeded, all processes pause': {
    level: 'warn',
    meaning:
      'The API responded with 429. All processes that share the database wait, and then send requests more slowly (field `slowdown`).',
    remedy:
      'If it is repeated, find out which other program uses the same key, or lower `SYNC_REQUESTS_PER_MINUTE`.',
  },
  'batch refused, split': {
    level: 'warn',
    meaning:
      'The API refused a request (400, 404 or 422). The run splits it to find the identifier that causes this.',
    remedy: 'See `identifai-sync status --stuck` for the identifiers that are refused.',
  },
  'request too long, batch halved': {
    level: 'warn',
    meaning:
      'The API or a proxy refused a request as too long (413 or 414). This run and those of the next seven days send shorter ones.',
    remedy: 'Set `SYNC_MAX_URL_BYTES` to the field `maxUrlBytes`, to save the refused requests.',
  },
  'responses in doubt, requesting a control group': {
    level: 'warn',
    meaning:
      'The API did not return many identifiers, or has accepted no request so far. The run requests some that it returned most recently, to distinguish a wrong key or address from deleted results or wrong identifiers.',
    remedy: 'Nothing: the circuit breaker decides. Read the next events.',
  },
  'waiting for a request slot': {
    level: 'warn',
    meaning: 'A request waits for longer than a minute, because other processes have taken the next slots.',
    remedy: 'Check `SYNC_REQUESTS_PER_MINUTE` of all processes. `identifai-sync resume` frees the slots.',
  },
  'API requests a pause, all processes pause': {
    level: 'warn',
    meaning:
      'The API responded with `Retry-After` to an error such as 503, so all processes wait for that time.',
    remedy: 'Nothing, if the API is under maintenance. If the header is wrong, run `identifai-sync resume`.',
  },
  // Records.
  'response records ignored': {
    level: 'warn',
    meaning:
      'A response had records without an identifier, records that were not requested, or repeated ones.',
    remedy: 'If it happens often, report it to the vendor of the API.',
  },
  'records quarantined, see status --stuck': {
    level: 'warn',
    meaning: 'Records did not fit the contract, or the API refused identifiers.',
    remedy: 'See `IdentifaiSyncQuarantined` in [operations.md](operations.md#identifaisyncquarantined).',
  },
  'identifiers became missing, see status --stuck': {
    level: 'warn',
    meaning: 'The API left out identifiers in several responses in a row.',
    remedy: 'See `IdentifaiSyncMissing` in [operations.md](operations.md#identifaisyncmissing).',
  },
  // The database.
  'database operation failed, retrying': {
    level: 'warn',
    meaning: 'A statement failed for a transient reason, such as a deadlock, and is repeated.',
    remedy: 'Nothing, if it happens rarely.',
  },
  'database connection lost': {
    level: 'warn',
    meaning: 'The server or the network ended an idle connection. The next statement opens another.',
    remedy:
      'Nothing, if it happens rarely. Otherwise check the timeouts of the server, the pooler and the firewall.',
  },
  // Verifications.
  'verification started': {
    level: 'info',
    meaning: 'A verification of the whole database started, as `report verify --tables` makes it.',
    remedy: null,
  },
  'verification ended': {
    level: 'info',
    meaning: 'Everything is as it was sealed, and the tables follow from the history.',
    remedy: null,
  },
  'verification found differences': {
    level: 'error',
    meaning:
      'A verification has findings. The field `findings` has their number, and `first` the first of them.',
    remedy:
      'See `IdentifaiSyncDifferences` in [operations.md](operations.md#identifaisyncdifferences). `identifai-sync report verify --tables` lists all of them.',
  },
  'verification failed': {
    level: 'error',
    meaning: 'A verification did not come to its end. The field `err` has the cause.',
    remedy: 'Find the cause in the table of errors. The daemon repeats the verification after half an hour.',
  },
  // The daemon and its configuration.
  'unknown configuration variables, see identifai-sync --help': {
    level: 'warn',
    meaning:
      'Nothing reads these variables, so they have no effect. They are in `.env`, or have the prefix of a variable of the product.',
    remedy: 'Correct the names, or remove the variables.',
  },
  'daemon started': {
    level: 'info',
    meaning: 'The fields have the schedules, the time zone and the address of health and metrics.',
    remedy: null,
  },
  'daemon stopping': {
    level: 'info',
    meaning: 'A signal arrived. Runs finish or release their identifiers.',
    remedy: null,
  },
  'daemon stopped': { level: 'info', meaning: 'The process ends.', remedy: null },
  'nightly run skipped, the previous one is still running': {
    level: 'warn',
    meaning: 'A nightly run takes longer than the time between two of them.',
    remedy: 'See [scaling.md](scaling.md#when-a-nightly-run-takes-longer-than-a-night).',
  },
  'payloads pruned': {
    level: 'info',
    meaning:
      'After a nightly run, the daemon removed the superseded payloads that PAYLOAD_RETENTION_DAYS no longer keeps.',
    remedy: null,
  },
  'prune failed': {
    level: 'error',
    meaning: 'Expired payloads could not be removed. The daemon tries again after the next nightly run.',
    remedy:
      'Check MAINTENANCE_DATABASE_URL. As the owner of the tables, run identifai-sync grant-maintenance for its role.',
  },
  'missed nightly run check failed': {
    level: 'debug',
    meaning:
      'The database did not respond when the daemon checked for a missed nightly run or verification. It checks every minute.',
    remedy: null,
  },
  'queue metrics query failed': {
    level: 'warn',
    meaning: 'The gauges of the queue could not be read, and are absent from this scrape.',
    remedy: 'Check the database.',
  },
  'webhook delivery failed': {
    level: 'warn',
    meaning:
      'The receiver of FORCE_WEBHOOK_URL did not accept a notification. It is repeated until it is accepted.',
    remedy: 'Check the receiver. The event has the reason.',
  },
  'webhook query failed': {
    level: 'warn',
    meaning: 'The database did not return the next notification, so none was sent. It is read again.',
    remedy: 'Check the database.',
  },
  'webhook delivered': {
    level: 'info',
    meaning: 'The receiver of FORCE_WEBHOOK_URL accepted some notifications.',
    remedy: null,
  },
  'status page query failed': {
    level: 'warn',
    meaning: 'A part of the status page could not be read, and is absent from it.',
    remedy: 'Check the database.',
  },
  'connection close failed': {
    level: 'warn',
    meaning: 'The connections for health and metrics could not be closed after a change of the password.',
    remedy: 'Nothing: the new connections are used.',
  },
  'scheduler message': { level: 'debug', meaning: 'A message of node-cron.', remedy: null },
  'scheduler warning': {
    level: 'warn',
    meaning: 'A warning of node-cron: a tick of the clock was late or failed.',
    remedy: 'Check the load of the machine.',
  },
} as const satisfies Record<string, LogEvent>

/** The texts of the events of one level. */
export type LogEventOf<Level extends LogEvent['level']> = {
  [Text in keyof typeof LOG_EVENTS]: (typeof LOG_EVENTS)[Text]['level'] extends Level ? Text : never
}[keyof typeof LOG_EVENTS]
