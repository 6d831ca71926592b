import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { PRIORITY } from '../../../../src/pipeline/queue/priority.ts'
import { move } from '../../../../src/operations/distribution/distribute.ts'
import { dumpTables } from '../../../support/dump-tables.ts'
import { examination, type Responder, responds } from '../../../support/examination.ts'
import { EVIDENCE_INSERTS } from '../../../support/evidence-inserts.ts'
import { createTestDatabase } from '../../../support/test-database.ts'

/** A row for each table whose key comes from a sequence. */
const INSERTS_WITH_SEQUENCES = [
  'insert into identifai.identifiers (identifier) values (gen_random_uuid()::text)',
  ...EVIDENCE_INSERTS,
]

describe('the doctor', () => {
  it('finds no problem in a correct setup, requests one unknown identifier, and writes nothing but its quota slot', async () => {
    await using own = await createTestDatabase()
    const before = await dumpTables(own.db)
    const { findings, exitCode, requests } = await examination({ databaseUrl: own.url })
    expect(findings.map(({ check, status }) => [check, status])).toEqual(
      [
        'configuration',
        'database',
        'privileges',
        'migrations',
        'sequences',
        'history',
        'writes',
        'pause',
        'statuses',
        'requests',
        'api',
        'clocks',
      ].map((check) => [check, 'ok']),
    )
    expect(exitCode).toBe(0)
    expect(requests).toEqual([[expect.stringMatching(/^[0-9a-f]{64}$/)]])
    expect((await sql`select from identifai.api_quota`.execute(own.db)).rows).toHaveLength(1)
    await sql`delete from identifai.api_quota`.execute(own.db)
    expect(await dumpTables(own.db)).toBe(before)
  })

  it('compares the clock of the database with that of the API', async () => {
    await using own = await createTestDatabase()
    const { found } = await examination({
      databaseUrl: own.url,
      respond: (_, response) => {
        response.setHeader('date', 'Thu, 01 Jan 2026 00:00:00 GMT')
        return []
      },
    })
    expect(found('clocks')).toMatchObject({ status: 'warning', found: expect.stringContaining('API') })
  })

  it('skips the checks that an unreachable or empty database makes impossible, and still checks the API', async () => {
    const unreachable = await examination({ databaseUrl: 'postgresql://127.0.0.1:1/x' })
    expect(unreachable.findings.map(({ check, status }) => [check, status])).toEqual([
      ['configuration', 'ok'],
      ['database', 'failed'],
      ['privileges', 'skipped'],
      ['migrations', 'skipped'],
      ['sequences', 'skipped'],
      ['history', 'skipped'],
      ['writes', 'skipped'],
      ['pause', 'skipped'],
      ['statuses', 'skipped'],
      ['requests', 'ok'],
      ['api', 'ok'],
      ['clocks', 'skipped'],
    ])
    expect(unreachable.exitCode).toBe(5)
    await using empty = await createTestDatabase(
      'empty',
      "encoding 'SQL_ASCII' locale 'C' template template0",
    )
    const { found, exitCode } = await examination({ databaseUrl: empty.url, respond: responds(401) })
    expect(found('privileges')).toMatchObject({ status: 'skipped' })
    expect(found('migrations')).toMatchObject({
      status: 'failed',
      found: expect.stringMatching(/^The database lacks \d+ of \d+ migrations\.$/),
      remedy: 'Run: identifai-sync migrate',
    })
    expect(found('api')).toMatchObject({ status: 'failed', exit_code: 4 })
    expect(exitCode, 'the code of the first failure').toBe(5)
  })

  it('reports a server that accepts no writes', async () => {
    await using own = await createTestDatabase()
    await own.set('default_transaction_read_only', 'on')
    const { found, exitCode } = await examination({ databaseUrl: own.url })
    expect(found('writes')).toMatchObject({
      status: 'failed',
      found: expect.stringContaining('The database server accepts no writes'),
    })
    expect(exitCode).toBe(5)
  })

  it('lets the server end its session within a transaction after seconds, and not after the time of a lease', async () => {
    await using own = await createTestDatabase()
    await sql`
      create function identifai.refuse() returns trigger language plpgsql as
      $$ begin raise 'ends after %', current_setting('idle_in_transaction_session_timeout') using errcode = 'disk_full'; end $$`.execute(
      own.db,
    )
    await sql`create trigger refuse before insert on identifai.schema_drift execute function identifai.refuse()`.execute(
      own.db,
    )
    const { found } = await examination({
      databaseUrl: own.url,
      environment: { SYNC_LEASE_SECONDS: '3600' },
    })
    expect(found('writes').found).toContain('ends after 15s')
  })

  it('warns about an encoding that cannot store every record', async () => {
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

  it('finds each sequence that lags behind, and its remedy corrects them', async () => {
    await using own = await createTestDatabase()
    const insertAll = async () => {
      for (const insert of INSERTS_WITH_SEQUENCES) await sql.raw(insert).execute(own.db)
    }
    await insertAll()
    await insertAll()
    const { rows: sequences } = await sql<{ name: string }>`
      select format('%I.%I', schemaname, sequencename) as name from pg_sequences where schemaname = 'identifai'`.execute(
      own.db,
    )
    for (const { name } of sequences) await sql`select setval(${name}, 1)`.execute(own.db)
    const { found, exitCode } = await examination({ databaseUrl: own.url })
    expect(found('sequences')).toMatchObject({
      status: 'failed',
      found: expect.stringContaining('actions, identifiers, override_notes, quarantined_payloads are behind'),
    })
    expect(exitCode).toBe(5)
    const [, statements = ''] = /(SELECT .*;)$/.exec(found('sequences').remedy ?? '') ?? []
    await sql.raw(statements).execute(own.db)
    expect((await examination({ databaseUrl: own.url })).found('sequences').status).toBe('ok')
    await insertAll()
  })

  it('finds that history lacks a trigger, and its remedy creates it', async () => {
    await using own = await createTestDatabase()
    await move(own.db, 'coordinator')
    const history = async () => (await examination({ databaseUrl: own.url })).found('history')
    expect(await history()).toMatchObject({ status: 'ok', found: 'Triggers keep history append-only.' })
    await sql`drop trigger personal_values_unchanged on identifai.personal_values`.execute(own.db)
    expect(await history()).toMatchObject({
      status: 'failed',
      found: expect.stringContaining('triggers are missing'),
      remedy: expect.stringContaining('identifai-sync undistribute'),
    })
    await move(own.db, 'coordinator')
    expect((await history()).status).toBe('ok')
  })

  it('warns when part of the quota is wasted because a full batch does not fit one request', async () => {
    await using own = await createTestDatabase()
    await sql`insert into identifai.identifiers (identifier) values (${'x'.repeat(200)})`.execute(own.db)
    const { found, exitCode } = await examination({ databaseUrl: own.url })
    expect(found('requests')).toMatchObject({
      status: 'warning',
      found: expect.stringMatching(/^Only 37 of 100 identifiers of 200 bytes fit .* quota is wasted\.$/),
    })
    expect(exitCode).toBe(0)
  })

  it.each<[string, Responder, string, number, string, string | null]>([
    ['an empty array', () => [], 'ok', 0, 'accepts the key', null],
    [
      'a 404',
      responds(404),
      'warning',
      0,
      'Either the path of IDENTIFAI_API_URL is wrong, or the API does so for each identifier',
      'https://backend.identifai.net/api. Then run doctor --probe',
    ],
    ['a 422', responds(422), 'ok', 0, 'accepts the key. It responds with status 422', null],
    ['a 401', responds(401), 'failed', 4, 'refuses the key (401)', 'IDENTIFAI_API_KEY'],
    ['a 403', responds(403), 'failed', 4, 'refuses the key (403)', 'IDENTIFAI_API_KEY'],
    ['a 429', responds(429), 'warning', 0, 'its quota is used up', 'uses the same key'],
    ['a 500', responds(500), 'failed', 7, 'status 500', 'status page of the API'],
    ['a redirect', responds(302), 'failed', 7, 'unexpected status 302', 'IDENTIFAI_API_URL'],
    [
      'a 404 and a web page',
      (_, response) => void response.writeHead(404).end('<html>'),
      'failed',
      7,
      'the path of IDENTIFAI_API_URL is wrong',
      'The default is https://backend.identifai.net/api',
    ],
    [
      'a web page',
      () => '<html>',
      'failed',
      7,
      'is not a JSON array',
      'Correct IDENTIFAI_API_URL: the default is https://backend.identifai.net/api',
    ],
    ['JSON that is no array', () => ({ data: [] }), 'failed', 7, 'is not a JSON array', 'IDENTIFAI_API_URL'],
  ])('derives from %s whether the API accepts the key', async (_, respond, status, code, words, remedy) => {
    await using own = await createTestDatabase()
    const { found, exitCode } = await examination({ databaseUrl: own.url, respond })
    expect(found('api')).toMatchObject({
      status,
      found: expect.stringContaining(words),
      remedy: remedy && expect.stringContaining(remedy),
    })
    expect(exitCode).toBe(code)
  })

  describe('after a 404 for an unknown identifier', () => {
    /** A database with a finished identifier, which the API returned this long ago. */
    async function withConfirmed(ago: string, state = 'done') {
      const own = await createTestDatabase()
      await sql`
        insert into identifai.identifiers (identifier, state, priority, due_at, finished_at, last_confirmed_at)
        values ('known', ${state}, ${PRIORITY.refresh}, now(), now(), now() - ${ago}::interval)`.execute(
        own.db,
      )
      return own
    }

    it.each(['done', 'errored'])(
      'requests a %s identifier, and reports a wrong path when that gets a 404, too',
      async (state) => {
        await using own = await withConfirmed('1 day', state)
        const { found, exitCode, requests } = await examination({
          databaseUrl: own.url,
          respond: responds(404),
        })
        expect(found('api')).toMatchObject({
          status: 'failed',
          found: expect.stringMatching(
            /^The API responds with status 404 even to an identifier that it returned at /,
          ),
          remedy: expect.stringContaining('the default is https://backend.identifai.net/api'),
        })
        expect(exitCode).toBe(7)
        expect(requests).toEqual([[expect.stringMatching(/^[0-9a-f]{64}$/)], ['known']])
      },
    )

    it('accepts the address when the API returns the known identifier', async () => {
      await using own = await withConfirmed('1 day')
      const respond: Responder = (identifiers, response, request) =>
        identifiers.includes('known')
          ? [{ identifier: 'known', status: 'done' }]
          : responds(404)(identifiers, response, request)
      const { found, exitCode } = await examination({ databaseUrl: own.url, respond })
      expect(found('api')).toMatchObject({
        status: 'ok',
        found: 'The API accepts the key. It responds with status 404 to an unknown identifier.',
      })
      expect(exitCode).toBe(0)
    })

    it('is not certain when the API has not returned any identifier for a week', async () => {
      await using own = await withConfirmed('8 days')
      const { found, requests } = await examination({ databaseUrl: own.url, respond: responds(404) })
      expect(found('api')).toMatchObject({ status: 'warning' })
      expect(requests).toHaveLength(1)
    })
  })

  it('checks the database also where another setting is wrong, and then sends no request', async () => {
    await using own = await createTestDatabase()
    const { findings, exitCode, requests } = await examination({
      databaseUrl: own.url,
      environment: { IDENTIFAI_API_KEY: '' },
    })
    expect(findings.map(({ check, status }) => [check, status])).toEqual([
      ['configuration', 'failed'],
      ...['database', 'privileges', 'migrations', 'sequences', 'history', 'writes', 'pause', 'statuses'].map(
        (check) => [check, 'ok'],
      ),
    ])
    expect(exitCode).toBe(2)
    expect(requests).toEqual([])
  })

  it('sends no request during a pause', async () => {
    await using own = await createTestDatabase()
    await sql`insert into identifai.api_quota (key_fingerprint, paused_until)
      values ('x', now() + interval '3 minutes')`.execute(own.db)
    const { found, requests } = await examination({ databaseUrl: own.url, known: 'a' })
    for (const check of ['api', 'probe']) expect(found(check)).toMatchObject({ status: 'skipped' })
    expect(requests).toEqual([])
  })

  it('ends after the configuration when a setting of the database is wrong', async () => {
    const { findings, exitCode, requests } = await examination({
      databaseUrl: 'postgresql://127.0.0.1:1/x',
      environment: { DATABASE_URL: 'x', SYNC_RETRIES: 'x', SYNC_BATCHSIZE: '5' },
    })
    expect(findings).toMatchObject([
      { check: 'configuration', status: 'failed', found: expect.stringContaining('DATABASE_URL must be') },
      {
        check: 'configuration',
        status: 'failed',
        found: 'SYNC_RETRIES must be a whole number from 0 to 100.',
      },
      {
        check: 'configuration',
        status: 'warning',
        found: 'A variable is unknown, so it has no effect: SYNC_BATCHSIZE (Did you mean SYNC_BATCH_SIZE?)',
      },
    ])
    expect(exitCode).toBe(2)
    expect(requests).toEqual([])
  })
})
