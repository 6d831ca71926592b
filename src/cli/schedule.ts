import { Command } from '@commander-js/extra-typings'
import { openApp, warnOfUnknown } from './open-app.ts'

export function scheduleCommand() {
  return new Command('schedule')
    .description('start the daemon: nightly runs, fresh runs every minute, health and metrics over HTTP')
    .addHelpText(
      'after',
      `
A nightly run requests everything that is due (SYNC_SCHEDULE, 0 2 * * * in SYNC_TIMEZONE). A fresh run requests new,
unfinished and refresh-requested identifiers only (SYNC_FRESH_SCHEDULE, every minute). A missed nightly run is made up
for when the daemon starts or the database is back. Daemons that share a database share the work and the quota.
Once a week, the whole database is verified (SYNC_VERIFY_SCHEDULE, 0 12 * * 0), as by report verify --tables.

On http://127.0.0.1:9464 (HTTP_HOST, HTTP_PORT):
  /livez    200 while the process runs
  /readyz   200 when the database responds and is migrated, and the last success is recent; otherwise 503 with reasons
  /metrics  for Prometheus

SIGTERM and SIGINT stop the daemon cleanly, after identifiers in progress are finished or released. A failed run is
logged and counted, and the daemon continues.
Exit codes: 143 or 130 after a signal, 2 configuration, 5 database unreachable or not migrated at the start.

Example:
  $ SYNC_SCHEDULE='30 1 * * *' SYNC_TIMEZONE=Europe/Rome identifai-sync schedule`,
    )
    .action(async () => {
      const { parseDatabaseConfig, parseMaintenanceConfig } = await import('../platform/config/config.ts')
      const { createDatabaseApp } = await import('../platform/database-app.ts')
      const { readEnvironment } = await import('../platform/config/environment.ts')
      const { parseDaemonConfig } = await import('../platform/config/daemon-config.ts')
      const { runDaemon } = await import('../operations/daemon/run-daemon.ts')
      const { listenForInterrupt } = await import('../platform/interrupt.ts')
      const { createLogger } = await import('../platform/logger.ts')
      // The environment is read once. Each run reads the files of secrets that it names.
      const { environment, unknown } = readEnvironment()
      const config = parseDaemonConfig(environment)
      using interrupt = listenForInterrupt()
      const logger = createLogger({ level: config.logLevel, terminal: process.stderr.isTTY, narrates: true })
      warnOfUnknown(unknown, { logger })
      // Opened and closed once, so that a wrong setup at the start ends the command with an error.
      const checked = await openApp(environment, { logger })
      await checked[Symbol.asyncDispose]()
      await runDaemon({
        config,
        logger,
        signal: interrupt.signal,
        openApp: (overrides) => openApp(environment, overrides),
        readDatabaseConfig: () => parseDatabaseConfig(environment),
        openMaintenance: () =>
          createDatabaseApp(parseMaintenanceConfig(environment), { maxConnections: 1 }, { logger }),
      })
      process.exitCode = interrupt.exitCode ?? 0
    })
}
