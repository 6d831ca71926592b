import { EXIT_CODE, UsageError } from '../platform/errors.ts'
import { print, printJson, printNotice } from '../platform/terminal/output.ts'
import { counted } from '../platform/terminal/text.ts'

interface JsonOption {
  readonly json?: true | undefined
}

/** Prints the result of a command: with `--json` as the one JSON document, otherwise as text for people. */
export function printResult(options: JsonOption, result: unknown, text: string): void {
  if (options.json) printJson(result)
  else print(text)
}

/** Identifiers that a command was to change, and those that it did. */
interface Changed {
  readonly given: readonly string[]
  readonly changed: readonly string[]
  /** Key of their number in the JSON document, and the words for them in text. */
  readonly key: string
  readonly now: string
  /** The words for those that it did not change. */
  readonly problem: string
}

/**
 * Prints how many identifiers were changed, and names the others on standard error. Throws a UsageError when identifiers
 * were given, and none of them was changed.
 */
export function printChanged(options: JsonOption, { given, changed, key, now, problem }: Changed): void {
  const unknown = given.filter((id) => !changed.includes(id))
  const list = unknown.join(', ')
  if (unknown.length > 0 && changed.length === 0) {
    throw new UsageError(
      `Nothing was changed, because these identifiers are ${problem}: ${list}.`,
      'Check their spelling, and track new ones with: identifai-sync enqueue',
    )
  }
  printResult(options, { [key]: changed.length, unknown }, `${counted(changed.length, 'identifier')} ${now}.`)
  if (unknown.length > 0) {
    printNotice(`error: ${counted(unknown.length, 'identifier')} ${problem}: ${list}`)
    process.exitCode = EXIT_CODE.partial
  }
}
