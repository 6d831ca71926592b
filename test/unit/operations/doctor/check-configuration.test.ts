import { expect, it } from 'vitest'
import { parseSyncConfig } from '../../../../src/platform/config/config.ts'
import {
  checkConfiguration,
  checkRequestSize,
} from '../../../../src/operations/doctor/check-configuration.ts'

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

it('warns when the last identifier of a full batch does not fit one request', async () => {
  const identifiers = Array.from({ length: 100 }, () => `identifiers[]=${'f'.repeat(64)}`)
  const bytes = `/api/classifications_audio?${identifiers.join('&')}`.length
  const found = async (maxBytes: number) => {
    const config = parseSyncConfig({ ...COMPLETE, SYNC_MAX_URL_BYTES: String(maxBytes) })
    return (await checkRequestSize(config, null)).found
  }
  expect(await found(bytes)).toBe('A full batch of 100 identifiers of 64 bytes fits one request.')
  expect(await found(bytes - 1)).toMatch(/^Only 99 of 100 identifiers of 64 bytes fit one request,/)
})
