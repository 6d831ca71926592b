import { Command } from '@commander-js/extra-typings'
import type { Difference, Reconciliation } from '../pipeline/queue/reconcile.ts'
import { count, counted } from '../platform/terminal/text.ts'
import { printable } from '../platform/text.ts'
import { print, writeOutput } from '../platform/terminal/output.ts'
import { COLUMN_OPTION, CSV_OPTION, DELIMITER_OPTION, describeInvalid, refuseEmpty } from './input-options.ts'
import { openDatabase } from './open-app.ts'

/** Identifiers of each side that are printed; --json has them all. */
const LISTED = 20

export function reconcileCommand() {
  return new Command('reconcile')
    .description("compare the organization's own list of identifiers with the tracked ones")
    .argument('<file>', 'the list: one identifier a line, or CSV as for enqueue; - is standard input')
    .addOption(CSV_OPTION)
    .addOption(COLUMN_OPTION)
    .addOption(DELIMITER_OPTION)
    .option('--media <medium>', 'medium of the submissions (default: audio)')
    .option('--json', 'print one JSON document, with every identifier')
    .addHelpText(
      'after',
      `
Changes nothing. Exit codes: 0 both have the same identifiers, 3 they differ or the list has invalid lines, 2 no
identifier of the list is valid.

Examples:
  $ identifai-sync reconcile submitted-in-q3.csv
  $ psql -Atc 'select id from uploads' | identifai-sync reconcile -`,
    )
    .action(async (file, options) => {
      const { DEFAULT_MEDIA, endpointOf } = await import('../media/registry.ts')
      const { openInput } = await import('../pipeline/queue/input/open-input.ts')
      const { reconcile } = await import('../pipeline/queue/reconcile.ts')
      const { EXIT_CODE } = await import('../platform/errors.ts')
      const entries = await openInput({ ...options, ids: [], file })
      await using app = await openDatabase()
      const { media } = endpointOf(options.media ?? DEFAULT_MEDIA)
      const differs = await reconcile(app.db, { media, entries }, async (found) => {
        if (found.figures.listed === 0) refuseEmpty(found.figures, 'nothing was compared')
        if (options.json) await writeOutput(jsonText(found))
        else print(await describe(found))
        return found.onlyInList.count + found.onlyTracked.count + found.figures.invalid > 0
      })
      if (differs) process.exitCode = EXIT_CODE.partial
    })
}

/** One JSON document, piece by piece, because the lists may be long. */
async function* jsonText({ figures, onlyInList, onlyTracked }: Reconciliation): AsyncGenerator<string> {
  yield JSON.stringify(figures, null, 2).slice(0, -2)
  yield* jsonList('only_in_list', onlyInList)
  yield* jsonList('only_tracked', onlyTracked)
  yield '\n}\n'
}

async function* jsonList(key: string, { members }: Difference<unknown>): AsyncGenerator<string> {
  yield `,\n  "${key}": [`
  let separator = ''
  for await (const member of members()) {
    yield `${separator}\n    ${JSON.stringify(member)}`
    separator = ','
  }
  yield separator === '' ? ']' : '\n  ]'
}

async function describe({ figures, onlyInList, onlyTracked }: Reconciliation): Promise<string> {
  const { listed, tracked, in_both, in_both_by_state } = figures
  const states = Object.entries(in_both_by_state).map(([state, n]) => `${count(n)} ${state}`)
  return [
    `${counted(listed, 'identifier')} listed, ${count(tracked)} tracked; ${count(in_both)} in both${states.length > 0 ? ` (${states.join(', ')})` : ''}.`,
    ...(await side('Listed, but not tracked', onlyInList, (identifier) => identifier)),
    ...(await side(
      'Tracked, but not listed',
      onlyTracked,
      ({ identifier, state }) => `${identifier} (${state})`,
    )),
    ...invalidLines(figures),
  ].join('\n')
}

async function side<Member>(
  title: string,
  { count: number, members }: Difference<Member>,
  describeMember: (member: Member) => string,
): Promise<string[]> {
  if (number === 0) return []
  const listed: string[] = []
  for await (const member of members()) {
    if (listed.length === LISTED) break
    listed.push(`  ${printable(describeMember(member))}`)
  }
  const more = number - listed.length
  if (more > 0) listed.push(`  ... and ${count(more)} more: --json has them all`)
  return ['', `${title}: ${count(number)}`, ...listed]
}

function invalidLines(figures: Reconciliation['figures']): string[] {
  return figures.invalid === 0
    ? []
    : ['', `${counted(figures.invalid, 'invalid line')}:`, ...describeInvalid(figures)]
}
