import type { Mutation } from './mutation.ts'

const GRANT = 'src/operations/roles/grant.ts'
const PRIVILEGES = 'src/operations/roles/privileges.ts'
const READ_PRIVILEGES = 'src/operations/roles/read-privileges.ts'
const CONFIG = 'src/platform/config/config.ts'
const DATABASE_URL = 'src/platform/config/database-url.ts'
const ENVIRONMENT = 'src/platform/config/environment.ts'
const LOGGER = 'src/platform/logger.ts'
const ERRORS = 'src/platform/errors.ts'
const DATABASE_ERROR = 'src/platform/postgres/database-error.ts'

const OF_GRANTS = ['test/integration/operations/roles/grant.test.ts']
const OF_JOB = ['test/integration/operations/roles/job.test.ts']
const OF_CONFIG = ['test/unit/platform/config/config.test.ts']
const OF_URL = ['test/unit/platform/config/database-url.test.ts']
const OF_ENV = ['test/unit/platform/config/environment.test.ts']
const OF_CLI = ['test/e2e/cli.test.ts']
const OF_BAD_INPUT = ['test/e2e/bad-input.test.ts']
const OF_REPORT_CLI = ['test/e2e/report-cli.test.ts']

/** Roles, secrets, configuration, exit codes, and the command line. */
export const SECURITY: readonly Mutation[] = [
  {
    breaks: 'The job cannot change history.',
    file: PRIVILEGES,
    from: "classification_revisions: ['SELECT', 'INSERT'],\n  personal_values: ['SELECT', 'INSERT'],",
    to: "classification_revisions: ['SELECT', 'INSERT', 'UPDATE'],\n  personal_values: ['SELECT', 'INSERT'],",
    tests: OF_JOB,
  },
  {
    breaks: 'The job cannot delete payloads.',
    file: PRIVILEGES,
    from: "  revision_payloads: ['SELECT', 'INSERT'],",
    to: "  revision_payloads: ['SELECT', 'INSERT', 'DELETE'],",
    tests: [...OF_JOB, ...OF_GRANTS],
  },
  {
    breaks: 'The job has the privileges of a run.',
    file: PRIVILEGES,
    from: "  api_size_limits: ['SELECT', 'INSERT', 'UPDATE'],\n",
    to: "  api_size_limits: ['SELECT'],\n",
    tests: OF_JOB,
  },
  {
    breaks: 'Only a role with --annotate writes notes.',
    file: PRIVILEGES,
    from: "  override_notes: ['SELECT'],\n",
    to: "  override_notes: ['SELECT', 'INSERT'],\n",
    tests: [...OF_JOB, ...OF_GRANTS],
  },
  {
    breaks: 'An enqueuer cannot read the rows that it inserts.',
    file: PRIVILEGES,
    from: 'export const ENQUEUER: readonly Privilege[] = [\n  USAGE,',
    to: "export const ENQUEUER: readonly Privilege[] = [\n  USAGE,\n  'SELECT ON identifai.identifiers',",
    tests: OF_GRANTS,
  },
  {
    breaks: 'A reader without personal values reads no name.',
    file: PRIVILEGES,
    from: "['name', 'ref_id', 'result_url']\n\n/** A reader of the data tables",
    to: "['ref_id', 'result_url']\n\n/** A reader of the data tables",
    tests: OF_GRANTS,
  },
  {
    breaks: 'A role of maintenance does nothing but prune and redact.',
    file: PRIVILEGES,
    from: "  classification_revisions: ['SELECT'],\n  personal_values: ['SELECT (classification_id)', 'DELETE'],",
    to: "  classification_revisions: ['SELECT', 'DELETE'],\n  personal_values: ['SELECT (classification_id)', 'DELETE'],",
    tests: OF_GRANTS,
  },
  {
    breaks: 'A role with other privileges is refused.',
    file: GRANT,
    from: 'if (revoked.length > 0 && !revokesOthers) refuseOthers(role, revoked)',
    to: '',
    tests: OF_GRANTS,
  },
  {
    breaks: 'A role with privileges by a membership is refused.',
    file: GRANT,
    from: 'if (inherited.length > 0) refuseInherited(role, inherited)',
    to: '',
    tests: OF_GRANTS,
  },
  {
    breaks: 'An owner of the tables is refused.',
    file: GRANT,
    from: 'if (await ownsTables(db, role)) {',
    to: "if (role === '' && (await ownsTables(db, role))) {",
    tests: OF_GRANTS,
  },
  {
    breaks: 'A refused grant changes nothing.',
    file: GRANT,
    from: 'return db.transaction().execute((trx) => grant(trx, role, { wanted, kept: ANNOTATOR, revokesOthers }))',
    to: 'return grant(db, role, { wanted, kept: ANNOTATOR, revokesOthers })',
    tests: OF_GRANTS,
  },
  {
    breaks: 'A reader without personal values reads no later view, whose columns are not known.',
    file: GRANT,
    from: 'await setDefaultPrivileges(trx, role, !withoutPersonal)',
    to: 'await setDefaultPrivileges(trx, role, true)',
    tests: OF_GRANTS,
  },
  {
    breaks: 'Privileges on columns are found, too.',
    file: READ_PRIVILEGES,
    from: "union all select r.name, format(' (%I)', a.attname), a.attacl\n      from relations as r join pg_attribute as a on a.attrelid = r.oid",
    to: "union all select r.name, format(' (%I)', a.attname), a.attacl\n      from relations as r join pg_attribute as a on a.attrelid = r.oid and false",
    tests: OF_GRANTS,
  },
  {
    breaks: 'An API is reached over https, except on this machine.',
    file: CONFIG,
    from: "url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))",
    to: "['http:', 'https:'].includes(url.protocol) || isLoopback(url.hostname)",
    tests: OF_CONFIG,
  },
  {
    breaks: 'The address of the API has no credentials.',
    file: CONFIG,
    from: 'if (url.search || url.hash || url.username || url.password) return false',
    to: 'if (url.search || url.hash) return false',
    tests: OF_CONFIG,
  },
  {
    breaks: 'A secret is not given twice.',
    file: CONFIG,
    from: 'if (environment[name]) problems.push',
    to: "if (environment[name] === '') problems.push",
    tests: OF_CONFIG,
  },
  {
    breaks: 'A key is Ed25519.',
    file: CONFIG,
    from: "createPrivateKey(text).asymmetricKeyType === 'ed25519'",
    to: "createPrivateKey(text).type === 'private'",
    tests: OF_CONFIG,
  },
  {
    breaks: 'A secret of the webhook is long enough.',
    file: CONFIG,
    from: 'return length >= 24 && length <= 64',
    to: 'return length <= 64',
    tests: OF_CONFIG,
  },
  {
    breaks: 'A key fits an HTTP header.',
    file: CONFIG,
    from: '/^[\\x21-\\x7e]+$/',
    to: '/^[\\x20-\\x7e]+/',
    tests: OF_CONFIG,
  },
  {
    breaks: 'PAYLOAD_RETENTION_DAYS needs a role that can delete payloads.',
    file: 'src/platform/config/daemon-config.ts',
    from: 'if (config.payloadRetentionDays !== null && config.maintenanceDatabaseUrl === null) {',
    to: "if (config.payloadRetentionDays !== null && config.maintenanceDatabaseUrl === '') {",
    tests: OF_CONFIG,
  },
  {
    breaks: 'The webhook is always signed.',
    file: 'src/platform/config/daemon-config.ts',
    from: 'if ((config.forceWebhookUrl === null) !== (config.forceWebhookSecret === null)) {',
    to: 'if (config.forceWebhookUrl === null && config.forceWebhookSecret !== null) {',
    tests: OF_CONFIG,
  },
  {
    breaks: 'A database that requires TLS is verified by its host.',
    file: DATABASE_URL,
    from: "return isVerified ? { ...parameters, sslmode: 'verify-full' } : parameters",
    to: "return isVerified ? { ...parameters, sslmode: 'no-verify' } : parameters",
    tests: OF_URL,
  },
  {
    breaks: 'DATABASE_URL names one host.',
    file: DATABASE_URL,
    from: "if (host.includes(',')) {",
    to: "if (host.includes(',,')) {",
    tests: OF_URL,
  },
  {
    breaks: 'DATABASE_URL takes precedence over the variables of libpq.',
    file: DATABASE_URL,
    from: '{ ...readVariables(environment), ...given }',
    to: '{ ...given, ...readVariables(environment) }',
    tests: OF_URL,
  },
  {
    breaks: 'The environment takes precedence over .env.',
    file: ENVIRONMENT,
    from: 'environment: { ...Object.fromEntries(left), ...given },',
    to: 'environment: { ...given, ...Object.fromEntries(left) },',
    tests: OF_ENV,
  },
  {
    breaks: 'A value without quotes that would end at a # is refused.',
    file: ENVIRONMENT,
    from: 'if (/^[^=]*=\\s*[^\\s#][^#]*(?<!\\s)#/.test(line)) {',
    to: 'if (/^#$/.test(line)) {',
    tests: OF_ENV,
  },
  {
    breaks: 'A line of .env is named by its number, because it may be a secret.',
    file: ENVIRONMENT,
    from: '`Line ${position + 1} of .env has not the form NAME=value',
    to: '`Line ${position + 1} of .env (${line}) has not the form NAME=value',
    tests: OF_ENV,
  },
  {
    breaks: 'An error in the log has no connection string.',
    file: LOGGER,
    from: '    serializers: { err: errorFields },\n',
    to: '    serializers: { err: (error: unknown) => ({ ...(error as object), ...(errorFields(error) as object) }) },\n',
    tests: ['test/unit/platform/logger.test.ts'],
  },
  {
    breaks: 'The log has no key, also in the fields of an event.',
    file: LOGGER,
    from: "        '*.apiKey',\n",
    to: '',
    tests: ['test/unit/platform/logger.test.ts'],
  },
  {
    breaks: 'A problem of the configuration does not have the value.',
    file: CONFIG,
    from: 'for (const { message } of result.error?.issues ?? []) problems.push(`${name} ${message}`)',
    to: 'for (const { message } of result.error?.issues ?? []) problems.push(`${name} ${message}: ${text}`)',
    tests: OF_CONFIG,
  },
  {
    breaks: 'The key is not sent through a proxy to this machine.',
    file: 'src/platform/http-agent.ts',
    from: 'if (httpsProxy === null || isLoopback(new URL(url).hostname))',
    to: 'if (httpsProxy === null)',
    tests: ['test/e2e/network.test.ts'],
  },
  {
    breaks: 'A host of NO_PROXY is reached without the proxy.',
    file: 'src/platform/http-agent.ts',
    from: 'httpsProxy, noProxy })',
    to: 'httpsProxy })',
    tests: ['test/e2e/network.test.ts'],
  },
  ...(
    [
      ['success', 0, OF_CLI, 'work together'],
      ['usage', 2, OF_BAD_INPUT, 'an unknown flag'],
      ['partial', 3, OF_CLI, 'sync reports partial'],
      ['keyRefused', 4, OF_BAD_INPUT, 'a wrong key'],
      ['database', 5, OF_BAD_INPUT, 'an unmigrated database'],
      ['notVerified', 6, OF_CLI, 'report verify reports no findings'],
      ['gaveUp', 7, OF_BAD_INPUT, 'an API that cannot be reached'],
    ] as const
  ).map(([name, code, tests, only]) => ({
    breaks: `The exit code ${code} (${name}) is a public contract.`,
    file: ERRORS,
    from: `  ${name}: ${code},`,
    to: `  ${name}: 9,`,
    tests,
    only,
  })),
  {
    breaks: 'An unexpected error has the exit code 1.',
    file: ERRORS,
    from: 'return EXIT_CODE.unexpected',
    to: 'return EXIT_CODE.gaveUp',
    tests: ['test/unit/platform/errors.test.ts'],
  },
  {
    breaks: 'A signal has the exit code of its number.',
    file: ERRORS,
    from: 'SIGTERM: 143',
    to: 'SIGTERM: 130',
    tests: ['test/e2e/signals.test.ts'],
  },
  {
    breaks: 'A closed terminal (SIGHUP) stops a command cleanly.',
    file: ERRORS,
    from: 'SIGHUP: 129, ',
    to: '',
    tests: ['test/e2e/signals.test.ts'],
  },
  {
    breaks: 'A second signal ends a process that cannot stop.',
    file: 'src/platform/interrupt.ts',
    from: '} else if (performance.now() - firstAt >= SECOND_SIGNAL_AFTER_MS) {',
    to: '} else if (performance.now() - firstAt < 0) {',
    tests: ['test/e2e/signals.test.ts'],
  },
  {
    breaks: 'A command line error has the exit code 2.',
    file: 'src/cli/run-program.ts',
    from: 'return error.exitCode === 0 ? EXIT_CODE.success : EXIT_CODE.usage',
    to: 'return error.exitCode as 0',
    tests: OF_BAD_INPUT,
    only: 'an unknown flag',
  },
  {
    breaks: 'A partial run has the exit code 3.',
    file: 'src/cli/sync.ts',
    from: "else if (run.status === 'partial') process.exitCode = EXIT_CODE.partial",
    to: '',
    tests: OF_CLI,
    only: 'sync reports partial',
  },
  {
    breaks: 'reconcile has the exit code 3 when the two differ.',
    file: 'src/cli/reconcile.ts',
    from: 'if (differs) process.exitCode = EXIT_CODE.partial',
    to: '',
    tests: OF_REPORT_CLI,
  },
  {
    breaks: 'A verification with findings has the exit code 6.',
    file: 'src/cli/report-verify.ts',
    from: 'if (findings.length > 0) process.exitCode = EXIT_CODE.notVerified',
    to: '',
    tests: [...OF_REPORT_CLI, ...OF_CLI],
    only: 'report verify',
  },
  {
    breaks: 'A role without a privilege is named in the error.',
    file: DATABASE_ERROR,
    from: 'if (code === INSUFFICIENT_PRIVILEGE) {',
    to: "if (code === '') {",
    tests: OF_BAD_INPUT,
    only: 'a role without the privilege',
  },
  {
    breaks: 'A database that does not exist has an error of its own.',
    file: DATABASE_ERROR,
    from: "if (code === '3D000') {",
    to: "if (code === '') {",
    tests: OF_BAD_INPUT,
    only: 'a database that does not exist',
  },
  {
    breaks: 'A refused password has an error of its own.',
    file: DATABASE_ERROR,
    from: "if (code.startsWith('28')) {",
    to: "if (code === '') {",
    tests: OF_BAD_INPUT,
    only: 'a database that does not exist',
  },
  {
    breaks: 'prune takes days only.',
    file: 'src/cli/prune.ts',
    from: '/^\\d{1,5}d$/',
    to: '/^\\d{1,5}/',
    tests: OF_REPORT_CLI,
    only: 'prune takes days only',
  },
]
