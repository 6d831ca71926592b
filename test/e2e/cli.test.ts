import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { findFreePort } from '../../src/devkit/embedded-postgres/server-process.ts'
import type { RunningSimulator } from '../../src/devkit/simulator/simulator.ts'
import { World } from '../../src/devkit/simulator/world.ts'
import { MIGRATIONS } from '../../src/platform/postgres/migrate.ts'
import { startCannedApi } from '../support/canned-api.ts'
import { type CliStage, createCliStage } from '../support/cli-stage.ts'
import { hasTerminal, runOnTerminal } from '../support/terminal.ts'
import { finish, type TestCli } from '../support/test-cli.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

let stage: CliStage
let cli: TestCli
let database: TestDatabase
let simulator: RunningSimulator
let environment: NodeJS.ProcessEnv
beforeAll(async () => {
  stage = await createCliStage()
  ;({ cli, database, simulator, environment } = stage)
})
afterAll(() => stage[Symbol.asyncDispose]())

it('the commands explain themselves in their help', async () => {
  const help = await cli.run(['--help'])
  expect(help).toMatchObject({ code: 0, stderr: '' })
  for (const command of ['migrate', 'enqueue', 'sync', 'status', 'requeue', 'retire', 'simulate', 'demo']) {
    expect(help.stdout).toContain(command)
    const own = await cli.call([command, '--help'])
    expect(own).toMatchObject({ code: 0, stderr: '' })
    expect(own.stdout).toContain(`Usage: identifai-sync ${command}`)
  }
  expect((await cli.call(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
})

it('the grants print each privilege of the role, and refuse a role that would lose one, or is unknown', async () => {
  const env = { DATABASE_URL: database.url }
  const role = `reader_${new URL(database.url).pathname.slice(1)}`
  await sql`create role ${sql.id(role)}`.execute(database.db)
  try {
    expect(await cli.call(['grant-reader', role, '--tables'], env)).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringContaining('and the data tables of identifai'),
    })
    expect(await cli.call(['grant-enqueuer', role], env)).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringMatching(
        /INSERT INTO identifai\.identifiers .*\nExecuted for it:\n {2}GRANT INSERT \(media, identifier, .*\) ON/s,
      ),
    })
    stage.expectClearError(
      await cli.call(['grant-reader', role], env),
      2,
      'has other privileges, so nothing was changed:\n  SELECT ON identifai.classification_revisions\n',
      'add --revoke-others',
    )
    const json = await cli.call(['grant-reader', role, '--revoke-others', '--json'], env)
    expect(JSON.parse(json.stdout)).toEqual({
      role,
      granted: [],
      revoked: expect.arrayContaining(['SELECT ON identifai.classifications']),
      statements_for_administrator: [],
    })
    const readable = async (column: string) => {
      const { rows } = await sql<{ readable: boolean }>`
        select has_column_privilege(${role}, 'identifai_reporting.classifications', ${column}, 'select') as readable`.execute(
        database.db,
      )
      return rows[0]?.readable
    }
    expect(await readable('name')).toBe(true)
    const without = ['grant-reader', role, '--without-personal', '--revoke-others']
    expect(await cli.call(without, env)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('identifai_reporting, without name, ref_id and result_url.'),
    })
    expect([await readable('name'), await readable('identifier')]).toEqual([false, true])
    const revoked = (text: string) => text.match(/^ {2}REVOKE .*(?<= ON )\S+$/gm) ?? []
    for (const command of ['grant-job', 'grant-enqueuer', 'grant-maintenance']) {
      stage.expectClearError(await cli.call([command, role], env), 2, 'has other privileges')
      const { code, stdout } = await cli.call([command, role, '--revoke-others'], env)
      expect([command, code, stdout]).toEqual([
        command,
        0,
        expect.not.stringMatching(/INSERT ON identifai\.override_notes/),
      ])
      expect(revoked(stdout), command).not.toEqual([])
    }
    expect(await cli.call(['grant-job', role, '--annotate', '--revoke-others'], env)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        /can execute runs\..*\n {2}GRANT SELECT, INSERT ON identifai\.override_notes\n/s,
      ),
    })
    expect(await cli.call(['grant-job', role], env)).toMatchObject({
      stdout: expect.stringContaining('Nothing was changed, because it already had these privileges.'),
    })
  } finally {
    await sql`drop owned by ${sql.id(role)}`.execute(database.db)
    await sql`drop role ${sql.id(role)}`.execute(database.db)
  }
  stage.expectClearError(
    await cli.call(['grant-reader', role, '--tables', '--without-personal'], env),
    2,
    "'--without-personal' cannot be used with option '--tables'",
  )
  stage.expectClearError(
    await cli.call(['grant-reader', 'an unknown role'], env),
    2,
    'The database server has no role an unknown role',
    'CREATE ROLE',
  )
})

it('migrate up, status, down and up again; down refuses while there is history', async () => {
  await using own = await createTestDatabase('empty')
  const env = { DATABASE_URL: own.url }
  expect((await cli.call(['migrate', 'status'], env)).stdout).toMatch(/^(waiting .*\n)+$/)
  expect((await cli.call(['migrate'], env)).stdout).toMatch(/^(up {3}\d{4}-.*\n)+$/)
  expect((await cli.call(['migrate'], env)).stdout).toContain('the database is up to date')
  expect(JSON.parse((await cli.call(['migrate', 'status', '--json'], env)).stdout)).toHaveLength(
    MIGRATIONS.length,
  )
  await sql`insert into identifai.classification_revisions
    (classification_id, revision_no, observed_at, run_id, causes, media, identifier, status, personal_commitment)
    values (1, 1, now(), gen_random_uuid(), '{first_seen}', 'audio', 'a', 'done', repeat('0', 64))`.execute(
    own.db,
  )
  stage.expectClearError(
    await cli.call(['migrate', 'down', '--all'], env),
    2,
    '1 record of history',
    '--destroy-history',
  )
  const destroy = ['migrate', 'down', '--all', '--destroy-history']
  stage.expectClearError(
    await cli.call(destroy, env),
    2,
    'Reverting all migrations drops tables or views, so it has to be confirmed. Add --yes',
  )
  const down = await cli.call([...destroy, '--yes', '--json'], env)
  expect([down.code, JSON.parse(down.stdout)]).toEqual([
    0,
    MIGRATIONS.toReversed().map((name) => expect.objectContaining({ direction: 'Down', name })),
  ])
  expect(await cli.call(['migrate', 'down', '--all', '--yes'], env)).toMatchObject({
    code: 0,
    stdout: 'Nothing to revert.\n',
  })
  expect(await cli.call(['migrate', '--quiet'], env)).toEqual({ code: 0, stdout: '', stderr: '' })
  const last = await cli.call(['migrate', 'down', '--yes'], env)
  expect(last).toEqual({ code: 0, stdout: `down ${MIGRATIONS.at(-1)}\n`, stderr: '' })
})

it.skipIf(!hasTerminal)('migrate down requires a confirmation on a terminal', async () => {
  await using own = await createTestDatabase()
  const env = { DATABASE_URL: own.url }
  const down = (text: string) =>
    runOnTerminal([cli.command, 'migrate', 'down'], { cli, environment: env, steps: [['[y/N] ', text]] })
  const states = async () => (await cli.call(['migrate', 'status'], env)).stdout
  expect(await down('n\n')).toMatchObject({
    code: 2,
    screen: expect.stringContaining('Nothing was reverted.'),
  })
  // Ctrl-C
  expect(await down('\u0003')).toMatchObject({
    code: 2,
    screen: expect.stringContaining('Nothing was reverted.'),
  })
  expect(await states()).not.toContain('waiting')
  const { code, screen } = await down('y\n')
  expect([code, screen]).toEqual([0, expect.stringMatching(/Revert the last migration\? .*\[y\/N\] /)])
  expect(await states()).toMatch(/waiting .*\n$/)
})

it('enqueue from a file, standard input and arguments, sync and status work together', async () => {
  const identifiers = simulator.world.register({ count: 300, outcome: 'done' })
  const lines = stage.file('ids.txt', `${identifiers.slice(0, 200).join('\n')}\n\n${'x'.repeat(1025)}\n`)
  const added = await cli.run(['enqueue', '--file', lines, '--json'], environment)
  expect(added.code).toBe(3)
  expect(JSON.parse(added.stdout)).toEqual({
    added: 200,
    known: 0,
    known_by_state: {},
    repeated: 0,
    updated: 0,
    invalid: 1,
    invalid_lines: [{ line: 202, reason: 'longer than 1024 bytes' }],
    ignored_columns: [],
  })
  const piped = await cli.run(['enqueue', '--file', '-'], environment, identifiers.slice(150).join('\n'))
  expect(piped).toMatchObject({ code: 0, stderr: '' })
  expect(piped.stdout).toBe('100 identifiers added, 50 already tracked (50 pending), 0 invalid.\n')

  const dry = await cli.call(['sync', '--dry-run', '--json'], environment)
  expect(JSON.parse(dry.stdout).requests).toBeGreaterThanOrEqual(3)
  const before = simulator.stats.requests
  await sql`update identifai.identifiers set due_at = now()`.execute(database.db)
  const synced = await cli.run(['sync', '--json'], environment)
  const run = JSON.parse(synced.stdout)
  expect(run).toMatchObject({ trigger: 'manual', status: 'succeeded', done: 300 })
  expect(simulator.stats.requests - before).toBe(run.requests)
  expect(synced.code).toBe(0)
  const refresh = await cli.call(['sync', '--refresh-all', '--dry-run', '--json'], environment)
  expect(JSON.parse(refresh.stdout)).toMatchObject({ identifiers: 300, requests: 3 })
  for (const line of synced.stderr.trim().split('\n')) expect(() => JSON.parse(line)).not.toThrow()

  const status = JSON.parse((await cli.run(['status', '--json'], environment)).stdout)
  expect(status.tracked).toContainEqual(expect.objectContaining({ state: 'done', identifiers: 300 }))
  expect((await cli.call(['status'], environment)).stdout).toContain('done')
  // Kolkata is five and a half hours ahead of UTC, all year.
  const nightly = { ...environment, SYNC_SCHEDULE: '0 2 * * *', SYNC_TIMEZONE: 'Asia/Kolkata' }
  expect((await cli.call(['status'], nightly)).stdout).toMatch(
    /the next nightly run at \d{4}-\d\d-\d\d 20:30:00Z\.\n$/,
  )
  const refreshed = await cli.call(['sync', '--refresh-all', '--limit', '100'], environment)
  expect(refreshed.stdout).toContain('100 identifiers in 1 request')
})

it('sync reports partial with exit code 3 when a record was quarantined', async () => {
  await using own = await createTestDatabase()
  await using api = await startCannedApi(() => [{ identifier: 'a', status: 5 }])
  const env = { ...environment, DATABASE_URL: own.url, IDENTIFAI_API_URL: api.url }
  await cli.call(['enqueue', 'a'], env)
  const result = await cli.run(['sync'], env)
  expect(result.code).toBe(3)
  expect(result.stdout).toContain('partial')
  const quiet = { ...env, LOG_LEVEL: 'warn' }
  await cli.call(['requeue', 'a'], env)
  expect((await cli.run(['sync'], quiet)).stderr).toContain('records quarantined, see status --stuck')
  const stuck = await cli.call(['status', '--stuck'], env)
  expect(stuck.stdout).toContain(
    'a\n  quarantined, not due until it is requeued\n  The record cannot be loaded: /status',
  )
  expect(JSON.parse((await cli.call(['status', '--stuck', '--json'], env)).stdout)).toHaveLength(1)
  expect((await cli.call(['status'], env)).stdout).toContain(
    '- 1 quarantined identifier, most often because: The record cannot be loaded',
  )
  expect((await cli.call(['replay'], env)).stdout).toMatch(/\n1 identifier in quarantine: 0 fit .*\n$/)
  // Each of the two runs has quarantined a record of it.
  await sql`update identifai.quarantined_payloads set payload = replace(payload, '5', '"done"')`.execute(
    own.db,
  )
  const replayed = await cli.call(['replay'], env)
  expect(replayed).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/\n1 identifier in quarantine: 1 fits /),
  })
  expect(replayed.stdout).toMatch(
    /\nWritten: the rows of 0 classifications, and 2 records out of quarantine\.\n$/,
  )
})

it('sync --wait requests what comes due within this time', async () => {
  await using own = await createTestDatabase()
  const env = { ...environment, DATABASE_URL: own.url }
  const [identifier] = simulator.world.register({ count: 1, outcome: 'done' })
  await sql`insert into identifai.identifiers (identifier, due_at) values (${identifier}, now() + interval '1 second')`.execute(
    own.db,
  )
  const { code, stdout } = await cli.call(['sync', '--wait', '1m'], env)
  expect([code, stdout]).toEqual([0, expect.stringContaining('\n1 identifier in 1 request: 1 done.\n')])
})

it('status --stuck lists at most 100 identifiers, with what failed and when each is requested again', async () => {
  await using own = await createTestDatabase()
  const env = { DATABASE_URL: own.url }
  const stuck = async (...more: string[]) => (await cli.call(['status', '--stuck', ...more], env)).stdout
  expect([await stuck(), JSON.parse(await stuck('--json'))]).toEqual(['Nothing is stuck.\n', []])
  await sql`insert into identifai.identifiers (identifier, state, attempts, absences, due_at, last_error) values
    ('gone', 'missing', 0, 3, '2030-01-02T03:04:05Z', null),
    ('failing', 'pending', 2, 1, '2030-01-02T03:04:05Z', 'HTTP 500'),
    ('healthy', 'pending', 0, 0, now(), null)`.execute(own.db)
  expect(await stuck()).toBe(`gone
  missing, not returned 3 times, due 2030-01-02 03:04:05Z
  The reason is not recorded.

failing
  pending, 2 failed requests, not returned 1 time, due 2030-01-02 03:04:05Z
  HTTP 500
`)
  await sql`insert into identifai.identifiers (identifier, state, due_at)
    select n::text, 'quarantined', null from generate_series(1, 101) as n`.execute(own.db)
  const all = JSON.parse(await stuck('--json')) as { state: string }[]
  expect([all.length, all.every(({ state }) => state === 'quarantined')]).toEqual([100, true])
})

it('plan warns when a refresh of all finished identifiers does not end before they are due again', async () => {
  await using own = await createTestDatabase()
  const slow = { SYNC_REQUESTS_PER_MINUTE: '1', SYNC_REFRESH_HOURS: '1' }
  const env = { ...environment, DATABASE_URL: own.url }
  expect((await cli.call(['plan'], env)).stdout).toMatch(
    /^Nothing is due, so a run .* requests nothing\.\n\nA refresh/,
  )
  await sql`insert into identifai.identifiers (identifier, state, priority, due_at)
    select 'done-' || n, 'done', -10, now() + interval '1 day' from generate_series(1, 6100) as n`.execute(
    own.db,
  )
  // One request a minute, for 61 requests.
  expect((await cli.call(['plan'], { ...env, ...slow })).stdout).toMatch(
    /^warning: a refresh of all finished identifiers takes longer than the 1 hour .*\n\nNothing is due.*\n\nA refresh of all 6,100 finished identifiers takes 61 requests, 6\d\.\d minutes at the quota\.\n$/s,
  )
  expect((await cli.call(['plan'], env)).stdout).not.toContain('warning')
})

it('doctor probes the API with an identifier that has a result, and prints one document with --json', async () => {
  await using own = await createTestDatabase()
  const env = { ...environment, DATABASE_URL: own.url }
  const [identifier = ''] = simulator.world.register({ count: 1, outcome: 'done' })
  const checks = async (...args: string[]) => {
    const { code, stdout } = await cli.call(['doctor', '--json', ...args], env)
    return [code, (JSON.parse(stdout) as { check: string }[]).map(({ check }) => check)]
  }
  expect(await checks('--probe', ` ${identifier} `)).toEqual([
    0,
    expect.arrayContaining(['api', 'probe: a file hash']),
  ])
  expect(await checks()).toEqual([0, expect.not.arrayContaining(['probe: a file hash'])])
})

it('plan reports the cost of a run, and sync --dry-run the cost of this run', async () => {
  await using own = await createTestDatabase()
  const env = { ...environment, DATABASE_URL: own.url, SYNC_REQUESTS_PER_MINUTE: '60' }
  await cli.call(['enqueue', '--file', stage.file('plan.txt', 'a\nb\nc\n')], env)
  const plan = await cli.run(['plan'], { ...env, SYNC_BATCHSIZE: '5' })
  expect(plan.code).toBe(0)
  expect(JSON.parse(plan.stderr)).toMatchObject({
    variables: ['SYNC_BATCHSIZE (Did you mean SYNC_BATCH_SIZE?)'],
  })
  expect(plan.stdout).toMatch(/^new +3 +1 +0\.1$/m)
  expect(plan.stdout).not.toMatch(/^(refresh|unfinished)/m)
  expect(plan.stdout).toMatch(
    /takes 2 seconds at the quota: .*, the last one at \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ\./,
  )
  expect(JSON.parse((await cli.call(['plan', '--json'], env)).stdout)).toMatchObject({ requests: 1 })
  const dry = await cli.call(['sync', '--dry-run', '--limit', '2', '--json'], env)
  expect(JSON.parse(dry.stdout)).toMatchObject({ identifiers: 2, requests: 1 })
  expect((await cli.call(['sync', '--dry-run'], env)).stdout).toContain('Nothing was requested.')
  expect(await own.db.selectFrom('identifai.sync_runs').select('run_id').execute()).toEqual([])
})

it('report verify reports no findings, or its findings with exit code 6', async () => {
  await using own = await createTestDatabase()
  const env = { ...environment, DATABASE_URL: own.url }
  await cli.call(['enqueue', ...simulator.world.register({ count: 27 })], env)
  const { chain_head: head } = JSON.parse((await cli.call(['sync', '--json'], env)).stdout) as {
    chain_head: string
  }
  const good = await cli.call(['report', 'verify', '--head', head], env)
  expect(good).toMatchObject({ code: 0, stderr: '' })
  expect(good.stdout).toContain(`Chain head: ${head}`)
  expect(good.stdout).toContain('Everything is as it was sealed.')
  expect(good.stdout).toMatch(/^1 sealed run, 27 revisions, 0 notes, 0 actions and 27 payloads verified\.\n/)
  const note = ['--forced-to', 'human', '--author', 'A', '--reason', 'r', '--unknown']
  await cli.call(['annotate', '--hash', 'f00d'.repeat(16), ...note], env)
  const other = await cli.call(['report', 'verify', '--head', '0'.repeat(64)], env)
  expect([other.code, other.stdout]).toEqual([
    6,
    expect.stringMatching(/\n1 finding:\n.*is not in the chain.*\.\n$/),
  ])
  expect(other.stdout).toMatch(
    /payloads verified\. 1 new note, not verified because the next run seals new notes\.\n/,
  )
  stage.expectClearError(await cli.call(['report', 'verify', '--head', 'x'], env), 2, '64 hexadecimal digits')
  const two = ['--head', head, '--head', '0'.repeat(64)]
  stage.expectClearError(await cli.call(['report', 'verify', ...two], env), 2, 'Only one chain head')
  await sql`alter table identifai.classification_revisions disable trigger all`.execute(own.db)
  await sql`update identifai.classification_revisions set api_version = 'other' where classification_id = 2`.execute(
    own.db,
  )
  const bad = await cli.call(['report', 'verify'], env)
  expect(bad.code).toBe(6)
  const report = ['report', 'forced', '--allow-incomplete']
  expect((await cli.call(report, env)).code).toBe(0)
  stage.expectClearError(await cli.call([...report, '--verify'], env), 6, 'was not made', 'report verify')
  expect(bad.stdout).toContain(
    'revision 1 of classification 2 (chain position 1) differs from its sealed form',
  )
  const json = await cli.call(['report', 'verify', '--json'], env)
  expect(JSON.parse(json.stdout)).toMatchObject({ runs: 1, findings: [{ chain_position: 1 }] })
  await sql`update identifai.classification_revisions set api_version = 'other'`.execute(own.db)
  const many = await cli.call(['report', 'verify'], env)
  expect(many.stdout).toMatch(
    /\n27 findings, the first of them:\n( {2}revision 1 of classification \d+ .*\n){25} {2}\.\.\. and 2 more: --json lists all of them\.\nOne alteration can cause several findings\.\n.*identifai-sync explain <number/,
  )
})

it('report verify --tables names tables, keys and columns, and no values', async () => {
  await using own = await createTestDatabase()
  const env = { ...environment, DATABASE_URL: own.url }
  const known = simulator.world.register({ count: 5 })
  const ended = await cli.call(['enqueue', ...known], env)
  expect(ended.code).toBe(0)
  await cli.call(['sync'], env)
  const good = await cli.call(['report', 'verify', '--tables'], env)
  expect(good).toMatchObject({ code: 0, stderr: '' })
  expect(good.stdout).toMatch(
    /^5 classifications compared with the tables\.\n\d+ views, functions and triggers compared with the migrations\.\n\nEverything is as it was sealed\. The tables follow from the history\.\n$/m,
  )
  expect(JSON.parse((await cli.call(['report', 'verify', '--json'], env)).stdout)).toMatchObject({
    tables: null,
    findings: [],
  })
  const erasure = [known[0] ?? '', '--reason', 'erasure request 88']
  for (const command of ['retire', 'redact'])
    expect(await cli.call([command, ...erasure], env)).toMatchObject({ code: 0 })
  await sql`insert into identifai.sync_runs (run_id, trigger, status, started_at, host, pid, version)
    values (gen_random_uuid(), 'nightly', 'running', now(), 'h', 1, '0')`.execute(own.db)
  expect((await cli.call(['report', 'verify', '--tables'], env)).stdout).toMatch(
    /^1 sealed run, 5 revisions, 0 notes, 0 actions and 4 payloads verified; 1 without a payload to verify; the personal values of 1 revision redacted\. 1 run in progress, which will be sealed at the end\.\n(.*\n)?5 classifications compared with the tables; 1 without a payload\.\n/,
  )
  await sql`update identifai.classifications set name = 'Rossi.wav', ref_id = 'case of Rossi' where classification_id = 2`.execute(
    own.db,
  )
  await sql`alter table identifai.sync_runs disable trigger sync_runs_sealed`.execute(own.db)
  const bad = await cli.call(['report', 'verify', '--tables'], env)
  expect(bad.code).toBe(6)
  expect(bad.stdout).toContain('2 findings:')
  expect(bad.stdout).toContain(
    'classifications (classification_id 2) differs from the history in: name, ref_id.',
  )
  expect(bad.stdout).toContain('trigger sync_runs_sealed on identifai.sync_runs is disabled.')
  expect(bad.stdout).not.toContain('Rossi')
  const json = await cli.call(['report', 'verify', '--tables', '--json'], env)
  expect(JSON.parse(json.stdout)).toMatchObject({
    tables: {
      classifications: 5,
      without_payload: 1,
      not_accepted: 0,
      definitions: expect.any(Number),
    },
    findings: [{ chain_position: null }, { chain_position: null }],
  })
  stage.expectClearError(
    await cli.call(['report', 'verify', 'file.json', '--tables'], env),
    2,
    'Leave out the file',
  )
})

it('replay shows what would change, and then changes it', async () => {
  await using own = await createTestDatabase()
  const env = { ...environment, DATABASE_URL: own.url }
  const known = simulator.world.register({ count: 20 })
  await cli.call(['enqueue', ...known], env)
  await cli.call(['sync'], env)
  // Some records of the simulator have an empty name, or none.
  await sql`update identifai.classifications set name = 'older' where classification_id =
    (select min(classification_id) from identifai.classifications where name <> '')`.execute(own.db)
  const dry = await cli.call(['replay', '--dry-run'], env)
  expect(dry).toMatchObject({ code: 0, stderr: '' })
  expect(dry.stdout).toContain('20 classifications normalized: 19 unchanged, 1 changed.')
  expect(dry.stdout).toContain('classifications.name')
  // Before, and after.
  expect(dry.stdout).toMatch(/classifications\.name .* older +\S/)
  expect(dry.stdout).toContain('Nothing was written.')
  expect((await cli.call(['replay', '--dry-run', '--quiet'], env)).stdout).toBe(dry.stdout)
  expect((await cli.call(['replay', '--since', '2999-01-01'], env)).stdout).toContain('0 classifications')
  const json = await cli.call(['replay', '--json'], env)
  expect(JSON.parse(json.stdout)).toMatchObject({
    changed: 1,
    written: { rewritten: 1, run: null },
  })
  expect((await cli.call(['replay'], env)).stdout).toBe(
    '20 classifications normalized: 20 unchanged, 0 changed.\n',
  )
  const untrue = sql`update identifai.classifications set name = 'older' where classification_id in (2, 3)`
  await untrue.execute(own.db)
  expect((await cli.call(['replay'], env)).stdout).toContain(
    '\nWritten: the rows of 2 classifications, and 0 records out of quarantine.\n',
  )
  await untrue.execute(own.db)
  const dryDocument = await cli.call(['replay', '--dry-run', '--json'], env)
  expect(JSON.parse(dryDocument.stdout)).toMatchObject({ changed: 2, written: null })
  expect(await cli.call(['replay', '--quiet'], env)).toEqual({ code: 0, stdout: '', stderr: '' })
  // The name of an identifier comes before the number of a classification.
  await cli.call(['enqueue', '1'], env)
  expect(JSON.parse((await cli.call(['explain', '1', '--json'], env)).stdout)).toMatchObject({
    identifier: '1',
  })
  await sql`alter table identifai.revision_payloads disable trigger all`.execute(own.db)
  await sql`update identifai.revision_payloads set payload = '{"status": 5}' where classification_id = 1`.execute(
    own.db,
  )
  for (const more of [['--dry-run'], []]) {
    const rejecting = await cli.call(['replay', ...more], env)
    expect([rejecting.code, rejecting.stdout]).toEqual([
      3,
      expect.stringContaining('1 payload no longer fits the contract, so'),
    ])
  }
})

it('simulate serves the API until it is stopped, and reports when its port is in use', async () => {
  const port = await findFreePort()
  const submissions = [
    '--count',
    '5',
    '--seed',
    '7',
    '--requests-until-done',
    '0',
    '--seconds-until-done',
    '120',
  ]
  const child = cli.start([
    'simulate',
    '--port',
    String(port),
    '--key',
    'k',
    '--quota',
    '--shuffle',
    ...submissions,
  ])
  const ended = finish(child)
  await expect
    .poll(
      () =>
        fetch(`http://127.0.0.1:${port}/_simulator/identifiers`).then(
          (r) => r.text(),
          () => '',
        ),
      { timeout: 10_000 },
    )
    .toBe(`${new World({ seed: 7 }).register({ count: 5 }).join('\n')}\n`)
  const controls = `http://127.0.0.1:${port}/_simulator`
  const [identifier] = (await (await fetch(`${controls}/identifiers`)).text()).split('\n')
  const truth = async () => (await fetch(`${controls}/truth/${identifier}`)).text()
  const present = await truth()
  const query = `identifiers[]=${identifier}&identifiers[]=x`
  const response = await fetch(`http://127.0.0.1:${port}/api/classifications_audio?${query}`, {
    headers: { 'x-api-key': 'k' },
  })
  const served = await response.text()
  expect(JSON.parse(served)).toEqual([JSON.parse(present)])
  // Only the order of the fields differs.
  expect(served).not.toBe(`[${present}]`)
  const statuses = await Promise.all(
    [1, 2, 3].map(async () => {
      const { status } = await fetch(response.url, { headers: { 'x-api-key': 'k' } })
      return status
    }),
  )
  expect(statuses).toContain(429)
  stage.expectClearError(await cli.run(['simulate', '--port', String(port)]), 2, 'is in use')
  // Another process has started and ended meanwhile, but no two minutes have passed.
  expect(JSON.parse(await truth())).toMatchObject({ status: 'new' })
  child.kill('SIGTERM')
  expect(await ended).toMatchObject({
    code: 143,
    stdout: expect.stringContaining(
      `has 5 submissions. To use it:\n  export IDENTIFAI_API_URL=http://127.0.0.1:${port}/api IDENTIFAI_API_KEY=k\nIts identifiers: ${controls}/identifiers\n`,
    ),
  })
})

it('undistribute creates the triggers that are missing, and distribute needs Citus', async () => {
  await using own = await createTestDatabase()
  const env = { DATABASE_URL: own.url }
  stage.expectClearError(await cli.call(['distribute'], env), 5, 'the extension citus')
  const { code, stdout } = await cli.call(['distribute', '--dry-run', '--json'], env)
  expect([code, JSON.parse(stdout)]).toMatchObject([
    0,
    { problems: [expect.stringContaining('the extension citus')], statements: expect.any(Array) },
  ])
  await sql`drop trigger classification_revisions_append_only on identifai.classification_revisions`.execute(
    own.db,
  )
  const planned = await cli.call(['undistribute', '--dry-run'], env)
  expect(planned).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/create trigger "classification_revisions_append_only"/),
  })
  expect(await cli.call(['undistribute'], env)).toMatchObject({
    code: 0,
    stdout: '1 statement run: the data tables are on the coordinator.\n',
  })
  expect(await cli.call(['undistribute'], env)).toMatchObject({
    code: 0,
    stdout: 'Nothing was changed: the data tables are already on the coordinator.\n',
  })
  await expect(sql`truncate identifai.classification_revisions cascade`.execute(own.db)).rejects.toThrow(
    'append-only',
  )
})
