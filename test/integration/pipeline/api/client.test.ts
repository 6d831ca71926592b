import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { createApiClient } from '../../../../src/pipeline/api/client.ts'
import { startCannedApi } from '../../../support/canned-api.ts'

const KEY = 'client-secret-key'
const BODY = Buffer.from('[{"identifier": "a", "status": "done"}]')

/** Reads one response with this body and these headers. */
async function read(
  body: Buffer,
  headers: Readonly<Record<string, string>>,
  status = 200,
  apiKey: string = KEY,
) {
  await using api = await startCannedApi((_, response) => void response.writeHead(status, headers).end(body))
  await using client = createApiClient({
    baseUrl: api.url,
    apiKey,
    timeoutMs: 5000,
    httpsProxy: null,
    noProxy: '',
  })
  const reply = await client.read(
    { path: '/classifications_audio', identifiers: ['a'] },
    new AbortController().signal,
  )
  return reply.kind === 'records' ? Array.from(reply.records) : reply
}

describe('a body with any content encoding is decoded', () => {
  it.each([
    ['gzip', gzipSync(BODY)],
    ['x-gzip', gzipSync(BODY)],
    ['br', brotliCompressSync(BODY)],
    ['zstd', zstdCompressSync(BODY)],
    ['deflate', deflateSync(BODY)],
    ['Deflate', deflateRawSync(BODY)],
    ['identity', BODY],
    ['gzip, br', brotliCompressSync(gzipSync(BODY))],
  ])('%s', async (encoding, body) => {
    expect(await read(body, { 'content-encoding': encoding })).toMatchObject([{ value: { identifier: 'a' } }])
  })

  it('but an unknown encoding, and data in another encoding, are errors', async () => {
    await expect(read(BODY, { 'content-encoding': 'compress' })).rejects.toThrow(
      'unknown content encoding compress',
    )
    await expect(read(BODY, { 'content-encoding': 'br' })).rejects.toThrow('/classifications_audio: ')
  })
})

it.each([
  ['a login page', 'text/html', `<html><title>Sign in</title>${KEY}`, /but text\/html: <html><title>Sign in/],
  [
    'an envelope',
    'application/json',
    `{"data": [], "key": "${KEY}"}`,
    /but application\/json: {"data": \[\], "key": "\[redacted\]"}/,
  ],
  ['a text with control characters', 'text/plain', '\u001B[2J', /but text\/plain: \\u001b\[2J/],
  ['nothing', 'application/json', '', /but application\/json: $/],
])('an error names the content type and the first characters of %s', async (_, type, body, expected) => {
  const error = await read(Buffer.from(body), { 'content-type': type }).catch((caught: unknown) => caught)
  expect((error as Error).message).toMatch(expected)
  expect((error as Error).message).not.toContain(KEY)
})

it('each repetition of the key is removed, also where it is encoded', async () => {
  const apiKey = 'a"+b/c='
  const body = Buffer.from(JSON.stringify([apiKey, apiKey, encodeURIComponent(apiKey)]) + apiKey)
  expect(await read(body, {}, 422, apiKey)).toMatchObject({
    body: '["[redacted]","[redacted]","[redacted]"][redacted]',
  })
})

describe('no part of a key that a body repeats is left where the body is cut', () => {
  const bodyOf = (characters: number) =>
    Buffer.from('x'.repeat(characters - Math.floor(KEY.length / 2)) + KEY)

  it('as evidence of a refusal', async () => {
    const reply = await read(bodyOf(2000), {}, 422)
    expect(reply).toMatchObject({ kind: 'refused', body: expect.stringMatching(/^x+\[redact?/) })
  })

  it('in an error', async () => {
    const error = await read(bodyOf(100), {}).catch((caught: unknown) => caught)
    expect((error as Error).message).toMatch(/: x+\[redact?/)
  })
})
