import { Command } from '@commander-js/extra-typings'
import { openApp, warnOfUnknown } from './open-app.ts'

export function scheduleCommand() {
  return new Command('schedule')
    .description('the daemon: a nightly run, a fresh run every minute, health and metrics over HTTP')
    .addHelpText(
      'after',
      `
Nightly runs request everything due (SYNC_SCHEDULE, 0 2 * * * in SYNC_TIMEZONE). A nightly run that was missed, because
no daemon ran, its process died or the database was away, is made up for. Fresh runs request what was inserted since
(SYNC_FRESH_SCHEDULE, every minute).
Any number of daemons can share one database: they share the work and the quota.

On http://127.0.0.1:9464 (HTTP_HOST, HTTP_PORT):
  /livez    200 while the process lives
  /readyz   200 when the database answers, has all migrations, and the last success is not too old; else 503 and why
  /metrics  for Prometheus

SIGTERM and SIGINT stop it cleanly: identifiers in progress are finished or released. Exit codes: 143 or 130 then,
2 configuration, 5 database unreachable or not migrated at the start. A failed run is logged and counted, and the
daemon continues.

Example:
  $ SYNC_SCHEDULE='30 1 * * *' SYNC_TIMEZONE=Europe/Rome identifai-sync schedule`,
    )
    .action(async () => {
      const { readEnvironment, parseDatabaseConfig } = await import('../platform/config/config.ts')
      const { parseDaemonConfig } = await import('../platform/config/daemon-config.ts')
      const { runDaemon } = await import('../operations/daemon/run-daemon.ts')
      const { listenForInterrupt } = await import('../platform/interrupt.ts')
      const { createLogger } = await import('../platform/logger.ts')
      // The environment is read once. Each run reads the files of secrets that it names.
      const environment = readEnvironment()
      const config = parseDaemonConfig(environment)
      using interrupt = listenForInterrupt()
      const logger = createLogger({ level: config.logLevel, terminal: process.stderr.isTTY, narrates: true })
      warnOfUnknown(environment, { logger })
      // Opened and closed once, so that a wrong setup at the start ends the command with an error.
      const checked = await openApp(environment, { logger })
      await checked[Symbol.asyncDispose]()
      await runDaemon({
        config,
        logger,
        signal: interrupt.signal,
        openApp: (overrides) => openApp(environment, overrides),
        readDatabaseConfig: () => parseDatabaseConfig(environment),
      })
      process.exitCode = interrupt.exitCode ?? 0
    })
}
