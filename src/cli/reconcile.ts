import { Command } from '@commander-js/extra-typings'
import type { Reconciliation } from '../pipeline/queue/enqueue/reconcile.ts'
import { count, counted } from '../platform/terminal/text.ts'
import { print, printJson } from '../platform/terminal/output.ts'
import { printable } from '../platform/text.ts'
import { openDatabase } from './open-app.ts'

/** Identifiers of each side that are printed; --json has them all. */
const LISTED = 20

export function reconcileCommand() {
  return new Command('reconcile')
    .description("compare the organization's own list of identifiers with the tracked ones")
    .argument('<file>', 'the list, one identifier a line, or CSV as for enqueue; - for standard input')
    .option('--csv', 'the file is CSV with a header: identifier (or else the first column)')
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
      if (options.json) printJson(found)
      else print(describe(found))
      const { only_in_list, only_tracked, invalid } = found
      if (only_in_list.length + only_tracked.length + invalid > 0) process.exitCode = EXIT_CODE.partial
    })
}

function describe(found: Reconciliation): string {
  const states = Object.entries(found.in_both_by_state).map(([state, n]) => `${count(n)} ${state}`)
  return [
    `${counted(found.listed, 'identifier')} listed, ${count(found.tracked)} tracked; ${count(found.in_both)} in both${states.length > 0 ? ` (${states.join(', ')})` : ''}.`,
    ...side('Listed, but not tracked', found.only_in_list),
    ...side(
      'Tracked, but not listed',
      found.only_tracked.map(({ identifier, state }) => `${identifier} (${state})`),
    ),
    ...(found.invalid > 0
      ? [
          '',
          `${counted(found.invalid, 'invalid line')}:`,
          ...found.invalid_lines.slice(0, LISTED).map(({ line, reason }) => `  line ${line}: ${reason}`),
        ]
      : []),
  ].join('\n')
}

function side(title: string, identifiers: readonly string[]): string[] {
  if (identifiers.length === 0) return []
  const more =
    identifiers.length > LISTED
      ? [`  ... and ${count(identifiers.length - LISTED)} more: --json has them all`]
      : []
  return [
    '',
    `${title}: ${count(identifiers.length)}`,
    ...identifiers.slice(0, LISTED).map((identifier) => `  ${printable(identifier)}`),
    ...more,
  ]
}
