import { finishedClaims, type Tally } from '../pipeline/run/tally.ts'
import { count, counted } from '../platform/terminal/print.ts'
import { durationText } from '../platform/terminal/duration-text.ts'

/** A pass under way, as one line for a person. */
export interface Progress {
  readonly tally: Readonly<Tally>
  /** Identifiers that were due when it began; more may come due meanwhile. */
  readonly total: number
  readonly elapsedSeconds: number
  /** Seconds between two slots of the quota. */
  readonly spacingSeconds: number
}

/** `1,200 of 45,000 identifiers, 98 a second, quota 99 %, 3 changes, 2 retries, 7.4 minutes left` */
export function progressText({ tally, total, elapsedSeconds, spacingSeconds }: Progress): string {
  const done = finishedClaims(tally)
  const rate = elapsedSeconds > 0 ? done / elapsedSeconds : 0
  const used = elapsedSeconds > 0 ? Math.min(1, (tally.requests * spacingSeconds) / elapsedSeconds) : 0
  const left = Math.max(0, total - done)
  return [
    `${count(done)} of ${counted(Math.max(total, done), 'identifier')}`,
    `${rate < 10 ? rate.toFixed(1) : count(Math.round(rate))} a second`,
    `quota ${Math.round(used * 100)} %`,
    counted(tally.changed, 'change'),
    ...(tally.retries > 0 ? [counted(tally.retries, 'retry', 'retries')] : []),
    ...(rate > 0 && left > 0 ? [`${durationText(left / rate / 60)} left`] : []),
  ].join(', ')
}
