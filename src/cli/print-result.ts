import type { ListedChange } from '../pipeline/queue/change-listed.ts'
import { EXIT_CODE, UsageError } from '../platform/errors.ts'
import { print, printJson, printNotice, printSuccess } from '../platform/terminal/output.ts'
import { count, counted } from '../platform/terminal/text.ts'
import { describeInvalid, refuseEmpty } from './input-options.ts'

interface JsonOption {
  readonly json?: true | undefined
}

interface ChangeOptions extends JsonOption {
  readonly dryRun?: true | undefined
}

/** Prints the result of a command: with `--json` as the one JSON document, otherwise as text for people. */
export function printResult(options: JsonOption, result: unknown, text: string): void {
  if (options.json) printJson(result)
  else print(text)
}

/** Prints the changes by a command in the same way. With `--quiet` only the JSON document, and what a dry run found. */
export function printChanges(options: ChangeOptions, result: unknown, text: string): void {
  if (options.json || options.dryRun) printResult(options, result, text)
  else printSuccess(text)
}

/** Identifiers that a text names; --json has more of them. */
const NAMED = 20

/** The words for a change of identifiers. */
interface Words {
  /** Key of the number of changed ones in the JSON document, and what they are now. */
  readonly key: string
  readonly now: string
  /** The state of those that could not be changed. */
  readonly problem: string
}

/**
 * Prints how many identifiers were changed, and names the others on standard error. Throws a UsageError when none of them was
 * changed.
 */
export function printChange(
  options: ChangeOptions,
  { changed, ...others }: ListedChange,
  { key, now, problem }: Words,
): void {
  const { unknown_count: unknown, invalid } = others
  if (changed + unknown === 0) refuseEmpty(others, 'nothing was changed')
  const named = others.unknown.slice(0, NAMED).join(', ')
  const more = unknown > NAMED ? `, and ${count(unknown - NAMED)} more` : ''
  const problems = [
    ...(unknown > 0 ? [`${counted(unknown, 'identifier')} ${problem}: ${named}${more}`] : []),
    ...(invalid > 0 ? [`${counted(invalid, 'invalid line')}:`, ...describeInvalid(others)] : []),
  ].join('\n')
  if (changed === 0) {
    throw new UsageError(
      `Nothing was changed. ${problems}.`,
      'Check their spelling. To see if one is tracked, run: identifai-sync explain <identifier>',
    )
  }
  const would = options.dryRun ? 'would be ' : ''
  printChanges(options, { [key]: changed, ...others }, `${counted(changed, 'identifier')} ${would}${now}.`)
  if (problems === '') return
  printNotice(`error: ${problems}`)
  process.exitCode = EXIT_CODE.partial
}
