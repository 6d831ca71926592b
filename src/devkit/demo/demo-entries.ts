import type { Entry } from '../../pipeline/queue/enqueue/entry.ts'

const SOURCES = ['calls', 'voice notes', 'evidence']
const FIRST_SUBMITTED = Date.UTC(2026, 5, 1)
const MINUTES_APART = 13

/** The demo's submissions: four weeks of June 2026, from three sources; of some, nobody told when or from where. */
export async function* demoEntries(identifiers: readonly string[]): AsyncGenerator<Entry> {
  for (const [position, identifier] of identifiers.entries()) {
    const submitted = new Date(FIRST_SUBMITTED + position * MINUTES_APART * 60_000)
    yield {
      line: position + 1,
      identifier,
      submittedAt: position % 20 === 19 ? null : submitted.toISOString(),
      source: position % 25 === 24 ? null : (SOURCES[position % SOURCES.length] ?? null),
    }
  }
}
