import { sql } from 'kysely'
import { expect } from 'vitest'
import { audioEndpoint } from '../../src/audio-endpoint.ts'
import { readContentRows } from './read-rows.ts'
import { meaning } from './says-the-same.ts'
import type { Workbench } from './workbench.ts'

/**
 * Holds the database against the simulator's world, value by value: each of these identifiers is settled and says what
 * the world says, and history has seen each content once.
 */
export async function expectTruth(
  { database, simulator }: Pick<Workbench, 'database' | 'simulator'>,
  identifiers: readonly string[],
): Promise<void> {
  const rows = await readContentRows(database.db)
  for (const identifier of identifiers) {
    const stored = rows.get(identifier)
    if (!stored) throw new Error(`no rows for ${identifier}`)
    const truth = simulator.world.truth(identifier) ?? null
    expect(meaning(audioEndpoint.denormalize(stored))).toBe(meaning(truth))
  }
  const { rows: states } = await sql`
    select state in ('done', 'errored') as settled, leased_by, count(*) as n from identifai.identifiers
    where identifier = any(${identifiers}::text[]) group by 1, 2`.execute(database.db)
  expect(states).toEqual([{ settled: true, leased_by: null, n: identifiers.length }])
  const { rows: doubled } = await sql`
    select identifier, content_digest from identifai.classification_revisions
    group by 1, 2 having count(*) > 1`.execute(database.db)
  expect(doubled).toEqual([])
}
