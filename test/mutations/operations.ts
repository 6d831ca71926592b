import type { Mutation } from './mutation.ts'

const LAST = 'src/operations/daemon/last-runs.ts'
const SCHEDULE = 'src/operations/daemon/schedule.ts'
const CRON = 'src/operations/daemon/cron.ts'
const READINESS = 'src/operations/daemon/readiness.ts'
const DAEMON = 'src/operations/daemon/run-daemon.ts'
const GAUGES = 'src/operations/daemon/queue-gauges.ts'
const QUEUE = 'src/operations/daemon/read-queue.ts'
const METRICS = 'src/operations/daemon/metrics.ts'
const PAGE = 'src/operations/daemon/status-page/serve.ts'
const RECENT = 'src/operations/status/read-recent.ts'
const PROBLEMS = 'src/operations/status/problems.ts'
const POSITION = 'src/operations/webhook/position.ts'
const NOTIFICATIONS = 'src/operations/webhook/read-notifications.ts'
const WEBHOOK = 'src/operations/webhook/start-webhook.ts'
const POST = 'src/operations/webhook/post.ts'

const OF_LAST = ['test/integration/operations/last-runs.test.ts']
const OF_SCHEDULE = ['test/unit/operations/daemon/schedule.test.ts']
const OF_CRON = ['test/unit/operations/daemon/cron.test.ts']
const OF_READINESS = ['test/integration/operations/daemon/readiness.test.ts']
const OF_DAEMON = ['test/e2e/daemon.test.ts']
const OF_ALERTS = ['test/integration/deploy/alerts.test.ts']
const OF_WEBHOOK = ['test/e2e/webhook.test.ts']
const OF_PAGE = ['test/e2e/status-page.test.ts']
const OF_STATUS = ['test/unit/cli/status.test.ts']
const OF_VERIFICATION = ['test/integration/operations/daemon/execute-verification.test.ts']

/** The daemon, its schedule, metrics and pages, the webhook, and `status`. */
export const OPERATIONS: readonly Mutation[] = [
  {
    breaks: 'A failed nightly run is repeated after half an hour, and not every minute.',
    file: LAST,
    from: 'make_interval(mins => ${RETRY_POLICY.run.repeatAfterMinutes})',
    to: 'make_interval(secs => ${RETRY_POLICY.run.repeatAfterMinutes})',
    tests: OF_LAST,
  },
  {
    breaks: 'An interrupted nightly run is repeated.',
    file: LAST,
    from: "sql<boolean>`status = 'interrupted'\n    or status = 'running' and",
    to: "sql<boolean>`status = 'running' and",
    tests: OF_LAST,
  },
  {
    breaks: 'A nightly run whose process died is repeated.',
    file: LAST,
    from: "or status = 'running' and heartbeat_at < now()",
    to: "or status = 'running' and started_at is null and heartbeat_at < now()",
    tests: OF_LAST,
  },
  {
    breaks: 'A nightly run that is in progress is not repeated.',
    file: LAST,
    from: "or status = 'running' and heartbeat_at < now() - make_interval(secs => ${leaseSeconds})",
    to: "or status = 'running' and ${leaseSeconds} > 0",
    tests: OF_LAST,
  },
  {
    breaks: 'The first nightly run counts as missed when its process died.',
    file: LAST,
    from: "min(started_at) - interval '1 minute'",
    to: 'min(started_at)',
    tests: OF_LAST,
  },
  {
    breaks: 'Fresh runs say nothing about the last nightly run.',
    file: LAST,
    from: ".where('trigger', '=', 'nightly')",
    to: ".where('trigger', 'in', ['nightly', 'fresh'])",
    tests: OF_LAST,
  },
  {
    breaks: 'A partial run is a success.',
    file: 'src/platform/postgres/tables/runs.ts',
    from: "['succeeded', 'partial'] as const",
    to: "['succeeded'] as const",
    tests: OF_LAST,
  },
  {
    breaks: 'Two runs of one kind do not overlap.',
    file: SCHEDULE,
    from: 'if (current) return false',
    to: '',
    tests: OF_SCHEDULE,
  },
  {
    breaks: 'A stopping daemon starts no missed nightly run.',
    file: SCHEDULE,
    from: '&& !isStopping) nightly.start()',
    to: ') nightly.start()',
    tests: OF_SCHEDULE,
  },
  {
    breaks: 'A daemon stops after its current runs.',
    file: SCHEDULE,
    from: '      await fresh.idle()\n',
    to: '',
    tests: [...OF_SCHEDULE],
  },
  {
    breaks: 'Verifications that are off never start.',
    file: SCHEDULE,
    from: "config.verifySchedule === 'off'\n      ? () => false",
    to: "config.verifySchedule === 'off'\n      ? () => true",
    tests: OF_SCHEDULE,
  },
  {
    breaks: 'A missed time is not found again after the run that made up for it.',
    file: SCHEDULE,
    from: 'if (!watch || startedAt.getTime() !== since) {',
    to: 'if (!watch) {',
    tests: OF_SCHEDULE,
  },
  {
    breaks: 'A nightly time comes once in the night in which the clock goes back.',
    file: CRON,
    from: 'let minute = Math.max(checkedUntil + 1, current - LOOK_BACK_MINUTES)',
    to: 'let minute = Math.max(Math.min(checkedUntil + 1, current), current - LOOK_BACK_MINUTES)',
    tests: OF_CRON,
  },
  {
    breaks: 'A nightly time that the clock skips in spring comes when it leaps.',
    file: CRON,
    from: 'for (; minute <= current && !isDue; minute++)',
    to: 'for (minute = Math.max(minute, current); minute <= current && !isDue; minute++)',
    tests: OF_CRON,
  },
  {
    breaks: 'A daemon is not ready when the last success is too old.',
    file: READINESS,
    from: 'return hours > maxAgeHours ? [',
    to: 'return hours > maxAgeHours && !lastSuccess ? [',
    tests: OF_READINESS,
  },
  {
    breaks: 'A new installation is ready.',
    file: READINESS,
    from: 'Number(lastSuccess ?? startedAt)',
    to: 'Number(lastSuccess ?? 0)',
    tests: OF_READINESS,
  },
  {
    breaks: 'A daemon is not ready on a database that a newer version has migrated.',
    file: READINESS,
    from: '  await assertMigrated(db)\n',
    to: '',
    tests: OF_DAEMON,
    only: 'an old daemon writes nothing',
  },
  {
    breaks: 'A stopping daemon is not ready.',
    file: READINESS,
    from: "options.isDraining() ? ['it is stopping'] : []",
    to: '[]',
    tests: OF_DAEMON,
    only: 'a stopping daemon is not ready',
  },
  {
    breaks: 'A failed run does not end the daemon.',
    file: DAEMON,
    from: "    logger.error({ trigger, err: asDatabaseError(error) ?? error }, 'run failed')\n    ended('failed')",
    to: "    ended('failed')\n    throw error",
    tests: OF_DAEMON,
    only: 'a daemon survives the loss of its database',
  },
  {
    breaks: 'The daemon prunes after a nightly run.',
    file: DAEMON,
    from: "if (trigger === 'nightly') await pruneExpired(options)",
    to: '',
    tests: OF_DAEMON,
    only: 'the daemon prunes payloads by age',
  },
  {
    breaks: 'The daemon requests a timestamp for a nightly run only.',
    file: DAEMON,
    from: "if (trigger === 'nightly') await requestTimestamps(app, run, signal)",
    to: 'await requestTimestamps(app, run, signal)',
    tests: ['test/e2e/timestamps.test.ts'],
    only: 'the daemon requests one for a nightly run',
  },
  {
    breaks: 'A rotated password takes effect.',
    file: 'src/operations/daemon/reconnecting-database.ts',
    from: 'if (open?.url !== config.databaseUrl) {',
    to: 'if (!open) {',
    tests: OF_DAEMON,
    only: 'each run reads the current secrets',
  },
  {
    breaks: 'Of several daemons, one verifies.',
    file: 'src/operations/daemon/execute-verification.ts',
    from: 'if (!rows[0]?.isFree) throw IN_PROGRESS',
    to: 'if (!rows[0]) throw IN_PROGRESS',
    tests: OF_VERIFICATION,
  },
  {
    breaks: 'The result of a verification is stored.',
    file: 'src/operations/daemon/execute-verification.ts',
    from: '  await recordVerification(app.db, startedAt, result)\n',
    to: '',
    tests: OF_VERIFICATION,
  },
  {
    breaks: 'A daemon verifies the tables, too.',
    file: 'src/operations/daemon/execute-verification.ts',
    from: '    tables: true,\n',
    to: '    tables: false,\n',
    tests: OF_VERIFICATION,
  },
  {
    breaks: 'A daemon stops in the middle of a verification.',
    file: 'src/operations/daemon/execute-verification.ts',
    from: 'signal.throwIfAborted()\n      return node',
    to: 'return node',
    tests: OF_DAEMON,
    only: 'a daemon stops in the middle',
  },
  {
    breaks: 'The metric database_up is 0 without a database.',
    file: GAUGES,
    from: '(await readSuccess()) === undefined ? 0 : 1',
    to: '(await readSuccess()) === undefined ? 1 : 1',
    tests: OF_ALERTS,
  },
  {
    breaks: 'Unknown metrics are absent, because zero would mean that all is well.',
    file: GAUGES,
    from: '  gauge.remove({})\n',
    to: '',
    tests: OF_ALERTS,
  },
  {
    breaks: 'The metric of the last success has the end of the last successful run.',
    file: GAUGES,
    from: 'seconds((await readSuccess()) ?? null)',
    to: 'seconds((await readSuccess()) && new Date())',
    tests: OF_ALERTS,
  },
  {
    breaks: 'The metric of findings has those of the last verification.',
    file: GAUGES,
    from: '[[{}, (await readVerification())?.findings ?? null]]',
    to: '[[{}, (await readVerification())?.runs ?? null]]',
    tests: OF_ALERTS,
  },
  {
    breaks: 'Before the first verification, its metric has the start of the daemon.',
    file: GAUGES,
    from: 'seconds(last?.finished_at ?? options.verifiedSince)',
    to: 'seconds(last?.finished_at ?? null)',
    tests: ['test/integration/operations/daemon/queue-gauges.test.ts'],
  },
  {
    breaks: 'The metric of the webhook has the time since its first failure.',
    file: POSITION,
    from: 'return failure?.seconds ?? 0',
    to: 'return failure === null ? 0 : 1',
    tests: OF_ALERTS,
  },
  {
    breaks: 'The metric of timestamps has the time of the newest one.',
    file: GAUGES,
    from: 'seconds(newest?.received_at ?? timestampsSince)',
    to: 'seconds(timestampsSince)',
    tests: OF_ALERTS,
  },
  {
    breaks: 'The metric of overdue identifiers counts those due for the configured time.',
    file: QUEUE,
    from: 'now() - make_interval(hours => ${overdueHours})',
    to: 'now() - make_interval(days => ${overdueHours})',
    tests: OF_ALERTS,
  },
  {
    breaks: 'The metrics of due identifiers distinguish fresh from nightly runs.',
    file: QUEUE,
    from: "when('priority', '>=', PRIORITY.sameFile)",
    to: "when('priority', '>', PRIORITY.new)",
    tests: OF_ALERTS,
  },
  {
    breaks: 'The metric of the age of due identifiers has the oldest one.',
    file: QUEUE,
    from: 'Math.max(0, ...ages)',
    to: 'Math.min(0, ...ages)',
    tests: OF_ALERTS,
  },
  {
    breaks: 'Counters of a run are added once, however often they are observed.',
    file: METRICS,
    from: 'counter.inc(tally[column] - counted[column])\n        counted = { ...tally }',
    to: 'counter.inc(tally[column])\n        counted = { ...tally }',
    tests: OF_DAEMON,
    only: 'counts them in its metrics',
  },
  {
    breaks: 'Counters of runs start at zero, because alerts use their increase.',
    file: METRICS,
    from: 'for (const status of END_STATUSES) runs.inc({ trigger, status }, 0)',
    to: '',
    tests: OF_ALERTS,
  },
  {
    breaks: 'The metrics count a 429.',
    file: METRICS,
    from: "if (why === 'throttled') throttled.inc()",
    to: '',
    tests: OF_ALERTS,
  },
  {
    breaks: 'The status page of this machine refuses other host names.',
    file: PAGE,
    from: "if (isLoopback(host)) server.addHook('onRequest', requireLoopbackName)",
    to: '',
    tests: OF_PAGE,
  },
  {
    breaks: 'No browser stores or frames the status page.',
    file: PAGE,
    from: "  'x-frame-options': 'DENY',\n",
    to: '',
    tests: OF_PAGE,
  },
  {
    breaks: 'A state is healthy since the first success after the last failure.',
    file: RECENT,
    from: "fn.min<Date | null>('finished_at').as('since')",
    to: "fn.max<Date | null>('finished_at').as('since')",
    tests: ['test/integration/operations/status/read-recent.test.ts'],
  },
  {
    breaks: 'The status page has days in the configured time zone.',
    file: RECENT,
    from: "sql<string>`to_char(started_at at time zone ${timeZone}, 'YYYY-MM-DD')`.as('day'),\n      'started_at',",
    to: "sql<string>`to_char(started_at at time zone coalesce('UTC', ${timeZone}), 'YYYY-MM-DD')`.as('day'),\n      'started_at',",
    tests: ['test/integration/operations/status/read-recent.test.ts'],
  },
  {
    breaks: 'A run that is silent needs attention.',
    file: PROBLEMS,
    from: 'if (silent !== null && silent > SILENT_AFTER_SECONDS)',
    to: 'if (silent !== null && silent > 60 * SILENT_AFTER_SECONDS)',
    tests: OF_STATUS,
  },
  {
    breaks: 'A failure that a success has followed needs no attention.',
    file: PROBLEMS,
    from: 'return success === -1 ? runs : runs.slice(0, success)',
    to: 'return runs',
    tests: OF_STATUS,
  },
  {
    breaks: 'status lists the findings of the last verification.',
    file: PROBLEMS,
    from: 'if (last === null || last.findings === 0) return []',
    to: 'if (last === null || last.findings < 2) return []',
    tests: OF_STATUS,
  },
  {
    breaks: 'A new receiver does not get the changes of years.',
    file: POSITION,
    from: 'select coalesce(max(chain_position), 0) + 1 from identifai.sync_runs',
    to: 'select least(coalesce(max(chain_position), 0), 0) + 1 from identifai.sync_runs',
    tests: ['test/integration/operations/webhook/position.test.ts'],
  },
  {
    breaks: 'Of two daemons, one delivers.',
    file: POSITION,
    from: 'where (p.leased_by = ${owner} or p.lease_until is null or p.lease_until < clock_timestamp())\n      and exists',
    to: 'where exists',
    tests: ['test/integration/operations/webhook/position.test.ts'],
  },
  {
    breaks: 'A process without the lease does not advance the position.',
    file: POSITION,
    from: "      last_error: null,\n    })\n    .where('leased_by', '=', owner)",
    to: '      last_error: null,\n    })',
    tests: ['test/integration/operations/webhook/position.test.ts'],
  },
  {
    breaks: 'A stopping daemon releases the position, so that another one continues.',
    file: POSITION,
    from: '.set({ leased_by: null, lease_until: sql<Date>`clock_timestamp()` })',
    to: '.set({ leased_by: owner })',
    tests: ['test/integration/operations/webhook/position.test.ts'],
  },
  {
    breaks: 'A failure is known since the first one after the last delivery.',
    file: POSITION,
    from: 'sql<Date>`coalesce(failing_since, clock_timestamp())`',
    to: 'sql<Date>`clock_timestamp()`',
    tests: ['test/integration/operations/webhook/position.test.ts'],
  },
  {
    breaks: 'The position is stored after each notification.',
    file: WEBHOOK,
    from: 'if (!(await advance(db, owner, step.position))) return',
    to: 'if (step.notification === null && !(await advance(db, owner, step.position))) return',
    tests: OF_WEBHOOK,
    only: 'a daemon that is killed is succeeded',
  },
  {
    breaks: 'Notifications go on within the run of the stored position.',
    file: NOTIFICATIONS,
    from: 'let position = isFirst ? after : beginningOf(run.chain_position)',
    to: 'let position = beginningOf(run.chain_position)',
    tests: ['test/integration/operations/webhook/read-notifications.test.ts'],
  },
  {
    breaks: 'Notifications are about sealed runs only.',
    file: NOTIFICATIONS,
    from: 'where chain_position >= ${next} and chain_head is not null order by chain_position',
    to: 'where chain_position >= ${next} order by chain_position desc',
    tests: ['test/integration/operations/webhook/read-notifications.test.ts'],
  },
  {
    breaks: 'An already forced label is no notification.',
    file: NOTIFICATIONS,
    from: ' and causes && ${FORCE_CAUSES}::text[]\n',
    to: ' and ${FORCE_CAUSES}::text[] is not null\n',
    tests: ['test/integration/operations/webhook/read-notifications.test.ts'],
  },
  {
    breaks: 'A notification has the forced label of the finished record before.',
    file: NOTIFICATIONS,
    from: "    .where('status', '<>', 'new')\n    .orderBy('revision_no')",
    to: "    .orderBy('revision_no')",
    tests: ['test/integration/operations/webhook/read-notifications.test.ts'],
  },
  {
    breaks: 'A notification is signed over its id, time and body.',
    file: POST,
    from: 'signatureOf(secret, `${id}.${time}.${body}`)',
    to: 'signatureOf(secret, `${id}.${body}`)',
    tests: OF_WEBHOOK,
    only: 'each force event and each quarantined record',
  },
  {
    breaks: 'The key of a signature is the decoded secret.',
    file: POST,
    from: "Buffer.from(secret.slice('whsec_'.length), 'base64')",
    to: "Buffer.from(secret.slice('whsec_'.length))",
    tests: OF_WEBHOOK,
    only: 'each force event and each quarantined record',
  },
  {
    breaks: 'Only a status of 2xx accepts a notification.',
    file: POST,
    from: 'if (statusCode >= 200 && statusCode < 300) return',
    to: 'if (statusCode >= 200 && statusCode < 500) return',
    tests: OF_WEBHOOK,
    only: 'a receiver that refuses or hangs up',
  },
]
