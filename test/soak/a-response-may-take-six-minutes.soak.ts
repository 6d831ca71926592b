import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { createApiClient } from '../../src/pipeline/api/client.ts'
import { startCannedApi } from '../support/canned-api.ts'

/** Longer than the limits of 5 minutes that undici has for the headers and for each pause of the body. */
const SILENCE_MS = 330_000
const RECORD = '[{"identifier": "a", "status": "done"}]'

// Both run at the same time, because they only wait.
describe.concurrent('SYNC_REQUEST_TIMEOUT_MS alone limits a request', () => {
  it.for([
    ['before its headers', 0],
    ['in its body', 1],
  ] as const)('and a response may pause %s', async ([, charactersBefore]) => {
    await using api = await startCannedApi((_identifiers, response) => {
      if (charactersBefore > 0) response.write(RECORD.slice(0, charactersBefore))
      void sleep(SILENCE_MS).then(() => response.end(RECORD.slice(charactersBefore)))
    })
    await using client = createApiClient({
      baseUrl: api.url,
      apiKey: 'client-secret-key',
      timeoutMs: 2 * SILENCE_MS,
      httpsProxy: null,
      noProxy: '',
    })
    const request = { path: '/classifications_audio', identifiers: ['a'] }
    const reply = await client.read(request, new AbortController().signal)
    expect(reply.kind === 'records' ? Array.from(reply.records) : reply).toMatchObject([
      { value: { identifier: 'a' } },
    ])
  })
})
