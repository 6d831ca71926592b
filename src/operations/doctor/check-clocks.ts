import { type Finding, ok, warning } from './finding.ts'

/** A clock that is off by more than this makes times in logs and tables hard to compare. */
const TOLERANCE_SECONDS = 5

/**
 * Compares the database's clock, by which everything is recorded, with others at the same moment.
 *
 * @param clocks.api The API's `Date` header; null when it sent none.
 */
export function checkClocks(clocks: {
  readonly database: Date
  readonly machine: Date
  readonly api: Date | null
}): Finding {
  const others = [
    ['of this machine', clocks.machine],
    ['of the API', clocks.api],
  ] as const
  const differences = others.flatMap(([whose, time]) =>
    time === null ? [] : [{ whose, seconds: (time.getTime() - clocks.database.getTime()) / 1000 }],
  )
  const told = differences.map(
    ({ whose, seconds }) =>
      `the clock ${whose} is ${Math.abs(seconds).toFixed(1)} s ${seconds < 0 ? 'behind' : 'ahead'}`,
  )
  const found = `Compared with the database's, ${told.join(', and ')}.`
  if (differences.every(({ seconds }) => Math.abs(seconds) <= TOLERANCE_SECONDS)) return ok('clocks', found)
  return warning(
    'clocks',
    found,
    'Keep the clocks by NTP; of the database server first: intervals in reports are by its clock.',
  )
}
