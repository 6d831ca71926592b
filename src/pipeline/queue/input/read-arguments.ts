import { type EntryStream, parseEntry } from './entry.ts'

/** One argument each, in the order given. */
export async function* argumentEntries(identifiers: readonly string[]): EntryStream {
  for (const [position, identifier] of identifiers.entries())
    yield parseEntry({ line: position + 1, identifier })
}
