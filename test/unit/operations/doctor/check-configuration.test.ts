import { expect, it } from 'vitest'
import { checkConfiguration } from '../../../../src/operations/doctor/check-configuration.ts'

const COMPLETE = { DATABASE_URL: 'postgresql://u:secret@h/x', IDENTIFAI_API_KEY: 'k' }

it('reports where requests go when the configuration is complete', () => {
  expect(checkConfiguration(COMPLETE, [])).toMatchObject({
    config: { apiKey: 'k' },
    results: [{ status: 'ok', found: 'Requests go to https://backend.identifai.net/api.' }],
  })
})

it('names each setting that is wrong, and each variable that nothing reads', () => {
  const { config, results } = checkConfiguration({ ...COMPLETE, SYNC_RETRIES: 'x', SYNC_BATCH_SIZE: '0' }, [
    'SYNC_BATCHSIZE (Did you mean SYNC_BATCH_SIZE?)',
    'API_KEY',
  ])
  expect(config).toBeUndefined()
  expect(results.map(({ status, found, exit_code }) => [status, found, exit_code])).toEqual([
    ['failed', 'SYNC_BATCH_SIZE must be a whole number from 1 to 100.', 2],
    ['failed', 'SYNC_RETRIES must be a whole number from 0 to 100.', 2],
    [
      'warning',
      'A variable is unknown, so it has no effect: SYNC_BATCHSIZE (Did you mean SYNC_BATCH_SIZE?)',
      0,
    ],
    ['warning', 'A variable is unknown, so it has no effect: API_KEY', 0],
  ])
})
