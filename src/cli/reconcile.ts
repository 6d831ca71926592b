import { Command } from '@commander-js/extra-typings'
import type { Reconciliation } from '../pipeline/queue/enqueue/reconcile.ts'
import { count, counted } from '../platform/terminal/text.ts'
import { printable } from '../platform/text.ts'
import { openDatabase } from './open-app.ts'
import { printResult } from './print-result.ts'

/** Identifiers of each side that are printed; --json has them all. */
const LISTED = 20

export function reconcileCommand() {
  return new Command('reconcile')
    .description("compare the organization's own list of identifiers with the tracked ones")
    .argument('<file>', 'the list: one identifier a line, or CSV as for enqueue; - is standard input')
    .option('--csv', 'the file is CSV with a header: identifier (otherwise the first column)')
    .option('--media <medium>', 'medium of the submissions (default: audio)')
    .option('--json', 'print one JSON document, with every identifier')
    .addHelpText(
      'after',
      `
Changes nothing. Exit codes: 0 both have the same identifiers, 3 they differ or the list has invalid lines.

Examples:
  $ identifai-sync reconcile submitted-in-q3.csv
  $ psql -Atc 'select id from uploads' | identifai-sync reconcile -`,
    )
    .action(async (file, options) => {
      const { DEFAULT_MEDIA, endpointOf } = await import('../media/registry.ts')
      const { openInput } = await import('../pipeline/queue/enqueue/open-input.ts')
      const { reconcile } = await import('../pipeline/queue/enqueue/reconcile.ts')
      const { EXIT_CODE } = await import('../platform/errors.ts')
      const entries = await openInput({
        ids: [],
        file,
        csv: options.csv,
        onNotice: (notice) => console.error(`note: ${notice}`),
      })
      await using app = await openDatabase()
      const found = await reconcile(app.db, endpointOf(options.media ?? DEFAULT_MEDIA).media, entries)
      printResult(options, found, describe(found))
      const { only_in_list, only_tracked, invalid } = found
      if (only_in_list.length + only_tracked.length + invalid > 0) process.exitCode = EXIT_CODE.partial
    })
}

function describe(found: Reconciliation): string {
  const states = Object.entries(found.in_both_by_state).map(([state, n]) => `${count(n)} ${state}`)
  const tracked = found.only_tracked.map(({ identifier, state }) => `${identifier} (${state})`)
  return [
    `${counted(found.listed, 'identifier')} listed, ${count(found.tracked)} tracked; ${count(found.in_both)} in both${states.length > 0 ? ` (${states.join(', ')})` : ''}.`,
    ...side('Listed, but not tracked', found.only_in_list),
    ...side('Tracked, but not listed', tracked),
    ...invalidLines(found),
  ].join('\n')
}

function side(title: string, identifiers: readonly string[]): string[] {
  if (identifiers.length === 0) return []
  const listed = identifiers.slice(0, LISTED).map((identifier) => `  ${printable(identifier)}`)
  const more = identifiers.length - listed.length
  if (more > 0) listed.push(`  ... and ${count(more)} more: --json has them all`)
  return ['', `${title}: ${count(identifiers.length)}`, ...listed]
}

function invalidLines({ invalid, invalid_lines: named }: Reconciliation): string[] {
  if (invalid === 0) return []
  const lines = named.slice(0, LISTED).map(({ line, reason }) => `  line ${line}: ${reason}`)
  return ['', `${counted(invalid, 'invalid line')}:`, ...lines]
}
