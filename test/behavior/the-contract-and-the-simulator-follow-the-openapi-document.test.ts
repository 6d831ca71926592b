import { readFileSync } from 'node:fs'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { parse } from 'yaml'
import { validateAudio } from '../../src/media/audio/validate.ts'
import type { Json, JsonObject } from '../../src/platform/json.ts'
import { type RunningSimulator, startSimulator } from '../../src/devkit/simulator/simulator.ts'

const KEY = 'contract-test-key'
const document = parse(readFileSync('docs/openapi.yaml', 'utf8')) as OpenApi
const pageExample = JSON.parse(
  readFileSync('test/fixtures/reference-page-example.json', 'utf8'),
) as JsonObject[]

/** Compiles the schemas of the document, without any code of the product. */
const ajv = new Ajv2020({ strict: false, validateFormats: true })
addFormats.default(ajv)
ajv.addSchema(document, 'openapi')

describe('the OpenAPI document, the contract and the simulator', () => {
  let simulator: RunningSimulator
  let served: JsonObject[]

  beforeAll(async () => {
    simulator = await startSimulator({ apiKey: KEY, world: { seed: 11, requestsUntilDone: 1 } })
    simulator.world.register({ count: 600 })
    served = []
    for (let from = 0; from < 600; from += 100) {
      const { status, body } = await get(simulator.world.identifiers.slice(from, from + 100))
      expect(status).toBe(200)
      expect(schemaOf('/classifications_audio', 'get', 200)(body)).toBe(true)
      served.push(...(body as JsonObject[]))
    }
  })
  afterAll(() => simulator[Symbol.asyncDispose]())

  it('agree on every record that the simulator serves', () => {
    const isRecord = ajv.compile({ $ref: 'openapi#/components/schemas/AudioClassification' })
    expect(served.length).toBe(600)
    for (const record of served) {
      expect(isRecord(record), JSON.stringify(isRecord.errors)).toBe(true)
      const validation = validateAudio(record)
      expect(validation).toMatchObject({ accepted: true, classification: { extra: {}, drift: [] } })
    }
  })

  it('cover every corner: unfinished, done, errored, without status, forced, shared hashes, odd and missing names', () => {
    const has = (test: (record: JsonObject) => boolean) => served.filter(test).length > 0
    expect(has((record) => record.status === 'new')).toBe(true)
    expect(has((record) => record.status === 'done')).toBe(true)
    expect(has((record) => record.status === 'errored' && typeof record.errors === 'string')).toBe(true)
    expect(has((record) => !('status' in record) && record.verdict !== null)).toBe(true)
    expect(has((record) => record.force_classification === 'artificial')).toBe(true)
    expect(has((record) => record.name === '')).toBe(true)
    expect(has((record) => !('name' in record))).toBe(true)
    expect(has((record) => /[^\p{ASCII}]/u.test(text(record.name)))).toBe(true)
    expect(has((record) => (record.details as JsonObject | null | undefined)?.clips !== undefined)).toBe(true)
    expect(has((record) => record.details === null)).toBe(true)
    expect(new Set(served.map((record) => record.hash)).size).toBeLessThan(600)
  })

  it('accept the example of the reference page, placeholder values included', () => {
    const [record] = pageExample as [JsonObject]
    expect(schemaOf('/classifications_audio', 'get', 200)(withUri(pageExample))).toBe(true)
    const validation = validateAudio(record)
    expect(validation).toMatchObject({ accepted: true, classification: { extra: {}, drift: [] } })
    expect(validation.accepted && validation.classification.known.verdict?.confidence).toBe(123)
  })

  it('name the same fields', () => {
    const [record] = pageExample as [JsonObject]
    const properties = document.components.schemas.AudioClassification.properties
    expect(Object.keys(record).toSorted()).toEqual(Object.keys(properties).toSorted())
  })

  it.each([
    ['no key', { key: '', identifiers: ['a'] }, 401],
    ['a wrong key', { key: 'wrong', identifiers: ['a'] }, 401],
    ['no identifiers', { key: KEY, identifiers: [] }, 422],
    ['101 identifiers', { key: KEY, identifiers: Array.from({ length: 101 }, (_, n) => `id-${n}`) }, 422],
  ])('refuse %s as documented', async (_, { key, identifiers }, expected) => {
    const { status, body } = await get(identifiers, key)
    expect(status).toBe(expected)
    expect(schemaOf('/classifications_audio', 'get', expected)(body)).toBe(true)
  })

  it('leave unknown identifiers out', async () => {
    const [known] = simulator.world.identifiers as [string]
    const { body } = await get(['unknown-1', known, 'unknown-2'])
    expect((body as JsonObject[]).map((record) => record.identifier)).toEqual([known])
  })

  it('force every submission that shares a hash', async () => {
    const byHash = Object.groupBy(served, (record) => text(record.hash))
    const [hash, records] = Object.entries(byHash).find(([, group]) => group?.length === 2) as [
      string,
      JsonObject[],
    ]
    const { status, body } = await override(hash, { classification: 'human' })
    expect(status).toBe(200)
    expect(schemaOf('/classification_audio/{hash}/override', 'post', 200)(body)).toBe(true)
    expect(body).toEqual({ classification: 'human', type: 'audio', hash })
    const after = await get(records.map((record) => text(record.identifier)))
    expect((after.body as JsonObject[]).map((record) => record.force_classification)).toEqual([
      'human',
      'human',
    ])
  })

  it.each([
    ['an unknown hash', 'f'.repeat(64), { classification: 'human' }, 404],
    ['an unknown label', 'a'.repeat(64), { classification: 'robot' }, 422],
  ])('refuse an override of %s', async (_, hash, body, expected) => {
    const reply = await override(hash, body)
    expect(reply.status).toBe(expected)
    expect(schemaOf('/classification_audio/{hash}/override', 'post', expected)(reply.body)).toBe(true)
  })

  async function get(identifiers: readonly string[], key = KEY) {
    const query = identifiers.map((identifier) => `identifiers[]=${encodeURIComponent(identifier)}`).join('&')
    const response = await fetch(`${simulator.apiUrl}/classifications_audio?${query}`, {
      headers: key === '' ? {} : { 'x-api-key': key },
    })
    return { status: response.status, body: await response.json() }
  }

  async function override(hash: string, body: unknown) {
    const response = await fetch(`${simulator.apiUrl}/classification_audio/${hash}/override`, {
      method: 'POST',
      headers: { 'x-api-key': KEY, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return { status: response.status, body: await response.json() }
  }
})

it('the simulator enforces the documented quota when it is enabled: 2 requests a second, 60 a minute', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  onTestFinished(() => void vi.useRealTimers())
  await using simulator = await startSimulator({ apiKey: KEY, quota: { kind: 'sliding' } })
  const request = async () => {
    const response = await fetch(`${simulator.apiUrl}/classifications_audio?identifiers[]=a`, {
      headers: { 'x-api-key': KEY },
    })
    const body = await response.json()
    if (response.status === 429) expect(body).toEqual({ message: 'Too Many Attempts.' })
    return response.status
  }
  const start = Date.now()
  for (let second = 0; second < 30; second++) {
    vi.setSystemTime(start + second * 1000)
    expect([await request(), await request()]).toEqual([200, 200])
    if (second === 0) expect(await request()).toBe(429)
  }
  for (const [second, status] of [
    [30, 429],
    [59, 429],
    [60, 200],
  ] as const) {
    vi.setSystemTime(start + second * 1000)
    expect(await request(), `after ${second} seconds`).toBe(status)
  }
})

it('the simulator ends every analysis on request, also an analysis of an hour', async () => {
  const world = { requestsUntilDone: 9, millisecondsUntilDone: 3_600_000 }
  await using simulator = await startSimulator({ apiKey: KEY, world })
  const identifiers = simulator.world.register({ count: 20, outcome: 'errored' })
  const statuses = () => new Set(identifiers.map((identifier) => simulator.world.truth(identifier)?.status))
  expect(statuses()).toEqual(new Set(['new']))
  const { status } = await fetch(`${simulator.origin}/_simulator/complete`, { method: 'POST' })
  expect([status, statuses()]).toEqual([200, new Set(['errored'])])
})

it('the simulator serves the same world for the same seed, and another for another seed', async () => {
  const serve = async (seed: number) => {
    await using simulator = await startSimulator({ apiKey: KEY, world: { seed, requestsUntilDone: 0 } })
    simulator.world.register({ count: 50 })
    return simulator.world.identifiers.map((identifier) => simulator.world.truth(identifier))
  }
  expect(await serve(3)).toEqual(await serve(3))
  expect(await serve(3)).not.toEqual(await serve(4))
})

interface OpenApi {
  readonly paths: Record<string, Record<string, { responses: Record<string, { $ref?: string }> }>>
  readonly components: { readonly schemas: Record<'AudioClassification', { properties: object }> }
}

/** Compiles the document's schema for the JSON body of one response. */
function schemaOf(path: string, method: string, status: number): ValidateFunction {
  const response = document.paths[path]?.[method]?.responses[status]
  if (!response) throw new Error(`docs/openapi.yaml has no ${status} of ${method} ${path}`)
  const pointer = response.$ref
    ? response.$ref
    : `#/paths/${path.replaceAll('~', '~0').replaceAll('/', '~1')}/${method}/responses/${status}`
  return ajv.compile({ $ref: `openapi${encodeURI(pointer)}/content/application~1json/schema` })
}

/** The page's placeholder is no URI; everything else stays as printed. */
function withUri(records: readonly JsonObject[]): JsonObject[] {
  return records.map((record) => ({ ...record, result_url: 'https://example.net/placeholder' }))
}

function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : ''
}
