import { readFileSync } from 'node:fs'
import path from 'node:path'

/** The root of the project. */
export const PROJECT = path.resolve(import.meta.dirname, '../..')

/** One plausible mistake in one place, and the tests that must notice it. */
export interface Mutation {
  /** The promise that it breaks. */
  readonly breaks: string
  /** The file, from the root of the project. */
  readonly file: string
  /** Text that occurs exactly once in the file. */
  readonly from: string
  readonly to: string
  /** Test files, from the root of the project; one of them must fail. */
  readonly tests: readonly string[]
  /** A part of the names of the tests to run; all tests of the files when absent. */
  readonly only?: string
}

/**
 * Returns the content of the mutated file.
 *
 * @throws Error when the mutation does not apply.
 */
export function mutated({ file, from, to }: Mutation, root: string = PROJECT): string {
  const before = readFileSync(path.join(root, file), 'utf8')
  const [head, tail, ...others] = before.split(from)
  if (head === undefined || tail === undefined) throw new Error(`${file} does not contain: ${from}`)
  if (others.length > 0) throw new Error(`${file} contains this more than once: ${from}`)
  if (from === to) throw new Error(`${file}: the mutation changes nothing: ${from}`)
  return head + to + tail
}
