import { expect, it } from 'vitest'
import { benchAgainst } from '../../../support/bench-against.ts'

it('a run has the first and the last date of its responses, of which some have none', async () => {
  const dates = [undefined, '2026-07-01T00:00:01Z', '2026-07-01T00:00:02Z', '2026-07-01T00:00:03Z', undefined]
  await using bench = await benchAgainst(
    ([identifier], response) => {
      const date = dates[Number(identifier)]
      response.sendDate = false
      if (date !== undefined) response.setHeader('date', new Date(date).toUTCString())
      return [{ identifier, status: 'done' }]
    },
    { SYNC_BATCH_SIZE: '1', SYNC_CONCURRENCY: '1' },
  )
  await bench.enqueue(dates.map((_, index) => String(index)))
  expect(await bench.run()).toMatchObject({
    requests: 5,
    first_http_date: new Date('2026-07-01T00:00:01Z'),
    last_http_date: new Date('2026-07-01T00:00:03Z'),
  })
})
