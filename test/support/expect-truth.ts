import { type Kysely, sql } from 'kysely'
import { expect } from 'vitest'
import { audioEndpoint } from '../../src/media/audio/endpoint.ts'
import type { Database } from '../../src/platform/postgres/database.ts'
import type { World } from '../../src/devkit/simulator/world.ts'
import { readContentRows } from './read-rows.ts'
import { meaning } from './meaning.ts'

/**
 * Compares the database with a world, value by value. Each of these identifiers is finished and has the world's content,
 * and no revision repeats the revision before it.
 */
export async function expectTruth(
  db: Kysely<Database>,
  world: World,
  identifiers: readonly string[],
): Promise<void> {
  const rows = await readContentRows(db)
  for (const identifier of identifiers) {
    const stored = rows.get(identifier)
    if (!stored) throw new Error(`no rows for ${identifier}`)
    const truth = world.truth(identifier) ?? null
    expect(meaning(audioEndpoint.denormalize(stored))).toBe(meaning(truth))
  }
  const { rows: states } = await sql`
    select state in ('done', 'errored') as finished, leased_by, count(*) as n from identifai.identifiers
    where identifier = any(${identifiers}::text[]) group by 1, 2`.execute(db)
  expect(states).toEqual([{ finished: true, leased_by: null, n: identifiers.length }])
  const { rows: doubled } = await sql`
    select identifier from (
      select r.identifier, r.causes, v.content_digest = lag(v.content_digest)
        over (partition by r.classification_id order by r.revision_no) as same
      from identifai.classification_revisions as r
      join identifai.personal_values as v using (classification_id, revision_no)) as revision
    -- A disappearance repeats the content before it, and the return of the same content does, too.
    where same and not causes && array['disappeared', 'reappeared']`.execute(db)
  expect(doubled).toEqual([])
}
