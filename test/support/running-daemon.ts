import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Readiness } from '../../src/operations/daemon/readiness.ts'
import type { TestCli } from './test-cli.ts'

type LogEvent = Readonly<Record<string, unknown>> & { readonly msg: string }

/** A daemon in a process of its own, with its log, probes and metrics. */
export interface RunningDaemon extends AsyncDisposable {
  readonly origin: string
  /** The address of the status page; undefined without STATUS_PORT. */
  readonly statusUrl: string | undefined
  /** All log events so far. */
  readonly log: readonly LogEvent[]
  /** Waits for a log event for which `fits` is true. */
  logged(fits: (event: LogEvent) => boolean): Promise<LogEvent>
  readiness(): Promise<{ readonly status: number } & Readiness>
  /** The value of a metric, by its name with labels as printed; undefined when it is absent. */
  metric(name: string): Promise<number | undefined>
  metrics(): Promise<string>
  signal(name: NodeJS.Signals): void
  /** Resolves with its exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>
}

/** Starts a daemon on a free port, with a fresh run every second. */
export async function startDaemon(cli: TestCli, environment: NodeJS.ProcessEnv): Promise<RunningDaemon> {
  const child = cli.start(['schedule'], {
    HTTP_PORT: '0',
    SYNC_FRESH_SCHEDULE: '* * * * * *',
    SYNC_REQUESTS_PER_SECOND: '10000',
    SYNC_REQUESTS_PER_MINUTE: '600000',
    SYNC_RETRIES: '0',
    LOG_LEVEL: 'debug',
    ...environment,
  })
  const log: LogEvent[] = []
  let rest = ''
  child.stderr?.on('data', (text) => {
    const lines = (rest + String(text)).split('\n')
    rest = lines.pop() ?? ''
    log.push(...lines.map((line) => JSON.parse(line) as LogEvent))
  })
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals)
  const logged = async (fits: (event: LogEvent) => boolean) => {
    for (;;) {
      const event = log.find(fits)
      if (event) return event
      if (child.exitCode !== null) throw new Error(`The daemon has ended: ${JSON.stringify(log)} ${rest}`)
      await sleep(20)
    }
  }
  const { http, status } = await logged(({ msg }) => msg === 'daemon started')
  const origin = String(http)
  const metrics = async () => (await fetch(`${origin}/metrics`)).text()
  return {
    origin,
    statusUrl: status as string | undefined,
    log,
    logged,
    readiness: async () => {
      const response = await fetch(`${origin}/readyz`)
      return { status: response.status, ...((await response.json()) as Readiness) }
    },
    metrics,
    metric: async (name) => {
      const line = (await metrics()).split('\n').find((text) => text.startsWith(`${name} `))
      return line === undefined ? undefined : Number(line.slice(name.length + 1))
    },
    signal: (name) => child.kill(name),
    ended,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}
