import type { ServerResponse } from 'node:http'
import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { createApp } from '../../src/app.ts'
import { parseSyncConfig } from '../../src/platform/config/config.ts'
import { checkConfiguration } from '../../src/operations/doctor/check-configuration.ts'
import { checkClocks } from '../../src/operations/doctor/check-clocks.ts'
import { examine } from '../../src/operations/doctor/examine.ts'
import { exitCodeOfFindings, type Finding } from '../../src/operations/doctor/finding.ts'
import { createLogger } from '../../src/platform/logger.ts'
import { type CannedApi, startCannedApi } from '../support/canned-api.ts'
import { createTestDatabase } from '../support/test-database.ts'

type OutcomeGroup = Parameters<typeof startCannedApi>[0]

interface Examination {
  readonly findings: readonly Finding[]
  readonly exitCode: number
  readonly asked: CannedApi['asked']
  readonly found: (check: string) => Finding
}

/** What the doctor finds with this database and this API. */
async function examination(options: {
  readonly databaseUrl: string
  readonly answer?: OutcomeGroup
  readonly environment?: NodeJS.ProcessEnv
  readonly known?: string
}): Promise<Examination> {
  await using api = await startCannedApi(options.answer ?? (() => []))
  await using app = createApp(
    parseSyncConfig({
      DATABASE_URL: options.databaseUrl,
      IDENTIFAI_API_KEY: 'key',
      IDENTIFAI_API_URL: api.url,
      SYNC_REQUESTS_PER_SECOND: '1000',
      SYNC_REQUESTS_PER_MINUTE: '60000',
      ...options.environment,
    }),
    { logger: createLogger({ level: 'silent', terminal: false }) },
  )
  const told: Finding[] = []
  const findings = await examine(app, { known: options.known, onFinding: (finding) => told.push(finding) })
  expect(told).toEqual(findings)
  return {
    findings,
    exitCode: exitCodeOfFindings(findings),
    asked: api.asked,
    found: (check) => findings.find((finding) => finding.check === check) as Finding,
  }
}

const answers =
  (status: number, body: unknown = {}) =>
  (_: string[], response: ServerResponse) => {
    response.statusCode = status
    return body
  }

describe('the doctor', () => {
  it('finds nothing wrong where nothing is, asks for one identifier that nobody has, and writes nothing but its slot', async () => {
    await using own = await createTestDatabase()
    const { findings, exitCode, asked } = await examination({ databaseUrl: own.url })
    expect(findings.map(({ check, status }) => [check, status])).toEqual(
      ['database', 'privileges', 'migrations', 'sequences', 'requests', 'api', 'clocks'].map((check) => [
        check,
        'ok',
      ]),
    )
    expect(exitCode).toBe(0)
    expect(asked).toEqual([[expect.stringMatching(/^[0-9a-f]{64}$/)]])
    const { rows } = await sql<{ written: string }>`
      select 'identifiers' as written where exists (select from identifai.identifiers)
      union all select 'sync_runs' where exists (select from identifai.sync_runs)
      union all select 'api_quota' where exists (select from identifai.api_quota)`.execute(own.db)
    expect(rows).toEqual([{ written: 'api_quota' }])
  })

  it('skips what an unreachable or empty database leaves no way to look at, and looks at the API all the same', async () => {
    const unreachable = await examination({ databaseUrl: 'postgresql://127.0.0.1:1/x' })
    expect(unreachable.findings.map(({ check, status }) => [check, status])).toEqual([
      ['database', 'failed'],
      ['privileges', 'skipped'],
      ['migrations', 'skipped'],
      ['sequences', 'skipped'],
      ['requests', 'ok'],
      ['api', 'ok'],
      ['clocks', 'skipped'],
    ])
    expect(unreachable.exitCode).toBe(5)
    await using empty = await createTestDatabase(
      'empty',
      "encoding 'SQL_ASCII' locale 'C' template template0",
    )
    const { found, exitCode } = await examination({ databaseUrl: empty.url })
    expect(found('migrations')).toMatchObject({
      status: 'failed',
      found: expect.stringContaining('Run: identifai-sync migrate'),
    })
    expect(exitCode).toBe(5)
  })

  it('warns of an encoding that cannot hold every record', async () => {
    await using ascii = await createTestDatabase(
      'empty',
      "encoding 'SQL_ASCII' locale 'C' template template0",
    )
    const { findings } = await examination({ databaseUrl: ascii.url })
    expect(findings.filter(({ check }) => check === 'database')).toMatchObject([
      { status: 'ok' },
      { status: 'warning', found: expect.stringContaining('SQL_ASCII') },
    ])
  })

  it('finds sequences that lag behind, and its mend mends them', async () => {
    await using own = await createTestDatabase()
    await sql`insert into identifai.identifiers (identifier) select 'id-' || n from generate_series(1, 5) as n`.execute(
      own.db,
    )
    await sql`select setval(pg_get_serial_sequence('identifai.identifiers', 'id'), 2)`.execute(own.db)
    const { found, exitCode } = await examination({ databaseUrl: own.url })
    expect(found('sequences')).toMatchObject({
      status: 'failed',
      found: expect.stringContaining('identifiers'),
    })
    expect(exitCode).toBe(5)
    const [, statements = ''] = /(SELECT .*;)$/.exec(found('sequences').remedy ?? '') ?? []
    await sql.raw(statements).execute(own.db)
    expect((await examination({ databaseUrl: own.url })).found('sequences').status).toBe('ok')
    await sql`insert into identifai.identifiers (identifier) values ('next')`.execute(own.db)
  })

  it('warns when part of the quota is wasted because a request is too short for a whole batch', async () => {
    await using own = await createTestDatabase()
    await sql`insert into identifai.identifiers (identifier) values (${'x'.repeat(200)})`.execute(own.db)
    const { found, exitCode } = await examination({ databaseUrl: own.url })
    expect(found('requests')).toMatchObject({
      status: 'warning',
      found: expect.stringContaining('37 identifiers of 200 bytes'),
    })
    expect(exitCode).toBe(0)
  })

  it.each<[string, OutcomeGroup, string, number, string]>([
    ['an empty array', () => [], 'ok', 0, 'accepts the key'],
    ['a 404', answers(404), 'warning', 0, 'it says 404'],
    ['a 422', answers(422), 'ok', 0, 'it says 422'],
    ['a 401', answers(401), 'failed', 4, 'refuses the key (401)'],
    ['a 403', answers(403), 'failed', 4, 'refuses the key (403)'],
    ['a 429', answers(429), 'warning', 0, 'its quota is used up'],
    ['a 500', answers(500), 'failed', 7, 'status 500'],
    ['a redirect', answers(302), 'failed', 7, 'IDENTIFAI_API_URL'],
    ['a page of a proxy', () => '<html>', 'failed', 7, 'is not JSON'],
  ])('reads from %s whether the key is accepted', async (_, answer, status, code, words) => {
    await using own = await createTestDatabase()
    const { found, exitCode } = await examination({ databaseUrl: own.url, answer })
    expect(found('api')).toMatchObject({ status, found: expect.stringContaining(words) })
    expect(exitCode).toBe(code)
  })

  it('names each setting that is wrong, and each that nothing reads', () => {
    const right = { DATABASE_URL: 'postgresql://u:secret@h/x', IDENTIFAI_API_KEY: 'k' }
    expect(checkConfiguration(right)).toMatchObject({
      config: { apiKey: 'k' },
      findings: [{ status: 'ok', found: 'Requests go to https://backend.identifai.net/api.' }],
    })
    const { config, findings } = checkConfiguration({
      ...right,
      SYNC_RETRIES: 'x',
      SYNC_BATCH_SIZE: '0',
      SYNC_BATCHSIZE: '5',
    })
    expect(config).toBeUndefined()
    expect(findings.map(({ status, found }) => [status, found])).toEqual([
      ['failed', 'SYNC_BATCH_SIZE must be a whole number from 1 to 100.'],
      ['failed', 'SYNC_RETRIES must be a whole number from 0 to 100.'],
      ['warning', 'Nothing reads SYNC_BATCHSIZE.'],
    ])
    expect(exitCodeOfFindings(findings)).toBe(2)
  })

  it('compares the clocks with the one of the database', () => {
    const database = new Date('2026-01-01T00:00:00Z')
    const after = (seconds: number) => new Date(+database + seconds * 1000)
    expect(checkClocks({ database, machine: after(1), api: null })).toMatchObject({
      status: 'ok',
      found: "Compared with the database's, the clock of this machine is 1.0 s ahead.",
    })
    expect(checkClocks({ database, machine: after(0), api: after(-60) })).toMatchObject({
      status: 'warning',
      found: expect.stringContaining('the clock of the API is 60.0 s behind'),
    })
  })
})

describe('the probe', () => {
  const record = {
    identifier: 'known',
    status: 'done',
    hash: 'the-hash',
    name: 'secret name.wav',
    unheard_of: 1,
  }

  it('tells in six more requests how the API behaves, and no value of any record', async () => {
    await using own = await createTestDatabase()
    const { findings, asked, exitCode } = await examination({
      databaseUrl: own.url,
      known: 'known',
      answer: (identifiers, response) => {
        if (identifiers.length > 100) return answers(422)([], response)
        return identifiers.map((identifier) => (identifier === 'known' ? record : null))
      },
    })
    expect(asked.map(({ length }) => length)).toEqual([1, 1, 2, 2, 100, 101, 1])
    expect(asked.at(-1)).toEqual(['the-hash'])
    const told = findings.filter(({ check }) => check.startsWith('probe')).map(({ found }) => found)
    expect(told).toEqual([
      'Its record fits the contract; unknown fields: /unheard_of. Fields: hash, identifier, name, status, unheard_of.',
      'Beside a known one it is answered by null.',
      'RequestSize for twice in a request, it is in the answer 2 times.',
      expect.stringMatching(/^100 identifiers, 7\d\d\d bytes, are taken\.$/),
      'Of 101 identifiers, it refuses the request (422).',
      'RequestSize by the hash of its file, nothing is returned; identifiers are asked for all the same.',
    ])
    expect(JSON.stringify(findings)).not.toContain('secret')
    expect(exitCode).toBe(0)
  })

  it('tells of an API that leaves out, refuses, repeats nothing and takes short requests only', async () => {
    await using own = await createTestDatabase()
    const { findings } = await examination({
      databaseUrl: own.url,
      known: 'known',
      answer: (identifiers, response) => {
        if (identifiers.length > 50) return answers(414)([], response)
        if (identifiers.some((identifier) => identifier !== 'known')) return answers(404)([], response)
        return [record]
      },
    })
    const told = Object.fromEntries(findings.map(({ check, status, found }) => [check, [status, found]]))
    expect(told['probe: unknown identifier']).toEqual([
      'ok',
      'Beside a known one, it refuses the request (404): a pass takes such requests apart.',
    ])
    expect(told['probe: the same identifier twice']?.[1]).toContain('in the answer once')
    expect(told['probe: a full request']).toEqual([
      'warning',
      expect.stringContaining('it refuses the request (414)'),
    ])
    expect(told['probe: a file hash']?.[1]).toContain('it refuses the request (404)')
  })

  it('says so when the known identifier is not known, or its record breaks the contract', async () => {
    await using own = await createTestDatabase()
    const probe = async (answer: OutcomeGroup) => {
      const { found, findings, asked } = await examination({ databaseUrl: own.url, known: 'known', answer })
      const told = findings.filter(({ check }) => check.startsWith('probe')).length
      return { ...found('probe: known identifier'), told, requests: asked.length }
    }
    // Nothing else could be told then: no more is asked.
    expect(await probe(() => [])).toMatchObject({
      status: 'failed',
      exit_code: 2,
      found: 'It is not in the answer.',
      told: 2,
      requests: 2,
    })
    expect(await probe(() => [{ ...record, status: 'paused' }])).toMatchObject({
      status: 'warning',
      found: expect.stringContaining('does not fit the contract (/status:'),
    })
  })

  it('does not ask where the key is refused', async () => {
    await using own = await createTestDatabase()
    const { found, asked } = await examination({ databaseUrl: own.url, known: 'known', answer: answers(401) })
    expect(found('probe').status).toBe('skipped')
    expect(asked).toHaveLength(1)
  })
})
