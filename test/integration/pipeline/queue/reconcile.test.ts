import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { argumentEntries } from '../../../../src/pipeline/queue/input/read-arguments.ts'
import { reconcile } from '../../../../src/pipeline/queue/reconcile.ts'
import { createTestApp } from '../../../support/test-app.ts'

describe('reconcile', () => {
  it('lists the identifiers that only the list has and those that only the queue has, and changes nothing', async () => {
    await using bench = await createTestApp({ world: { seed: 71 } })
    const identifiers = await bench.load({ count: 5, outcome: 'done' })
    // The migration of another medium does the same.
    await sql`insert into identifai.media (media) values ('image')`.execute(bench.app.db)
    await sql`insert into identifai.identifiers (media, identifier) values ('image', 'lost-1')`.execute(
      bench.app.db,
    )
    const listed = [...identifiers.slice(0, 3), ...identifiers.slice(0, 1), 'lost-2', 'lost-1', 'lost-1', ' ']
    const input = { media: 'audio', entries: argumentEntries(listed) }
    const found = await reconcile(bench.app.db, input, async ({ figures, onlyInList, onlyTracked }) => ({
      ...figures,
      counts: [onlyInList.count, onlyTracked.count],
      only_in_list: await Array.fromAsync(onlyInList.members()),
      only_tracked: await Array.fromAsync(onlyTracked.members()),
    }))
    expect(found).toEqual({
      listed: 5,
      tracked: 5,
      in_both: 3,
      in_both_by_state: { done: 3 },
      counts: [2, 2],
      only_in_list: ['lost-1', 'lost-2'],
      only_tracked: identifiers
        .slice(3)
        .toSorted()
        .map((identifier) => ({ identifier, state: 'done' })),
      invalid: 1,
      invalid_lines: [{ line: 8, reason: 'blank' }],
    })
    const { rows } = await sql`select from identifai.identifiers`.execute(bench.app.db)
    expect(rows).toHaveLength(6)
  })

  it('lists the identifiers that it has counted, although others are enqueued meanwhile', async () => {
    await using bench = await createTestApp()
    const input = { media: 'audio', entries: argumentEntries(['a']) }
    const found = await reconcile(bench.app.db, input, async ({ onlyInList, onlyTracked }) => {
      await bench.enqueue(['a', 'b'])
      return [
        onlyInList.count,
        await Array.fromAsync(onlyInList.members()),
        onlyTracked.count,
        await Array.fromAsync(onlyTracked.members()),
      ]
    })
    expect(found).toEqual([1, ['a'], 0, []])
  })
})
