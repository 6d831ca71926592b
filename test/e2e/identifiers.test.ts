import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type CliResult, createTestCli, type TestCli } from '../support/test-cli.ts'
import { EVIDENCE_INSERTS } from '../support/evidence-inserts.ts'
import { createQueueOfStates, readActions, readStates } from '../support/queue-of-states.ts'
import { createTestDatabase, type TestDatabase } from '../support/test-database.ts'

let cli: TestCli
let database: TestDatabase
let environment: NodeJS.ProcessEnv

beforeAll(() => {
  cli = createTestCli()
})
afterAll(() => cli[Symbol.dispose]())
beforeEach(async () => {
  database = await createTestDatabase()
  environment = { DATABASE_URL: database.url }
})
afterEach(() => database[Symbol.asyncDispose]())

function file(name: string, content: string | Buffer): string {
  writeFileSync(path.join(cli.folder, name), content)
  return name
}

async function tracked() {
  const { rows } = await sql<{ identifier: string; submitted_at: Date | null; source: string | null }>`
    select identifier, submitted_at, source from identifai.identifiers order by id`.execute(database.db)
  return rows
}

const call = (...args: string[]) => cli.call(args, environment)

/** A usage error of these texts, nothing on standard output, and nothing tracked. */
async function expectRefused(result: CliResult, ...texts: (string | RegExp)[]): Promise<void> {
  expect(result).toMatchObject({ code: 2, stdout: '' })
  for (const text of texts) expect(result.stderr).toMatch(text)
  expect(result.stderr).not.toMatch(/^\s+at /m)
  expect(await tracked()).toEqual([])
}

describe('enqueue', () => {
  it('reads standard input with -, with --file -, and without any identifier', async () => {
    for (const [position, args] of [['-'], ['--file', '-'], []].entries()) {
      expect(await cli.run(['enqueue', ...args], environment, `a${position}\nb${position}\n`)).toEqual({
        code: 0,
        stdout: '2 identifiers added, 0 already tracked, 0 invalid.\n',
        stderr: '',
      })
    }
    expect(await tracked()).toHaveLength(6)
    const { rows } = await sql`select distinct priority from identifai.identifiers`.execute(database.db)
    expect(rows).toEqual([{ priority: -5 }])
  })

  it.each([
    [
      'CSV without --csv',
      ['--file', file, 'list.txt', 'a;b\nc;d\n'],
      /appear to be CSV.* The first one is: a;b .*--csv/s,
    ],
    [
      'CSV with another column',
      ['--file', file, 'list.csv', 'id,x\n1,2\n'],
      /no column identifier.*: id, x\. .*--column/,
    ],
    ['a workbook', ['--file', file, 'list.xlsx', 'PK\u0003\u0004'], /is a spreadsheet, not text.*as CSV/],
    [
      'a broken quote',
      ['--file', file, 'list.csv', 'identifier\n"x'],
      /line 2, column 1: a quote is not closed/,
    ],
    [
      'no identifier',
      ['--file', file, 'list', ''],
      /has no identifier, so nothing was enqueued.*one identifier a line/,
    ],
    ['blank lines', ['--file', file, 'list', '\n \n'], /has no identifier, so nothing was enqueued/],
    [
      'an encoding that is not UTF-8',
      ['--file', file, 'list', Buffer.from([0x61, 0xe9, 0x0a])],
      /No identifier is valid, so nothing was enqueued\.\n {2}line 1: not valid UTF-8\nSave the file as UTF-8\./,
    ],
  ] as const)('refuses %s', async (_, [option, write, name, content], message) => {
    await expectRefused(await call('enqueue', option, write(name, content)), message)
  })

  it('refuses arguments that are no identifiers', async () => {
    file('calls.csv', 'identifier\na\n')
    await expectRefused(
      await call('enqueue', 'a', 'calls.csv'),
      /calls\.csv is a file, .* write --file calls\.csv/,
    )
    await expectRefused(await call('enqueue', 'good', ' '), 'Argument 2', 'blank')
    await expectRefused(await call('enqueue', 'x'.repeat(1025)), 'longer than 1024 bytes')
    await expectRefused(await call('enqueue', '-', 'a'), 'The argument - means standard input')
    await expectRefused(
      await call('enqueue', 'not-there.csv'),
      /not-there\.csv appears to be a file, but there is none/,
    )
    await expectRefused(await call('enqueue', 'a', '--csv'), 'The options of CSV apply to a file only')
    await expectRefused(await call('enqueue', 'a', '--file', 'x'), 'There are identifiers and --file')
    await expectRefused(
      await call('enqueue', '--file', 'x', '--delimiter', ';;'),
      'It must be one character, or tab',
    )
  })

  it('refuses a file that cannot be read', async () => {
    await expectRefused(await call('enqueue', '--file', 'missing.txt'), 'there is no such file')
    mkdirSync(path.join(cli.folder, 'folder'))
    await expectRefused(await call('enqueue', '--file', 'folder'), 'is a directory')
  })

  it('reads the export of a spreadsheet, after a dry run that shows how', async () => {
    const content = 'Upload-ID;source;submitted_at\r\na;calls;01.07.2026 10:15\r\nb;;\r\nc;;soon\r\n'
    const options = ['--column', 'upload-id', '--date-format', 'DD.MM.YYYY', '--source', 'export']
    const name = file('export.csv', Buffer.from(`\uFEFF${content}`, 'utf16le'))
    const dry = await call('enqueue', '--file', name, ...options, '--dry-run')
    expect(dry).toEqual({
      code: 3,
      stderr:
        'error: Some lines are invalid, so they were skipped:\n  line 4: submitted_at "soon" is no existing time of the form DD.MM.YYYY, nor of ISO 8601\n',
      stdout: `The first entries as they were read:

identifier  submitted_at          source
----------  --------------------  ------
a           2026-07-01 10:15:00Z  calls
b                                 export

2 identifiers would be added, 0 already tracked, 1 invalid.
It was a dry run, so nothing was written.
`,
    })
    expect(await tracked()).toEqual([])
    expect(await call('enqueue', '--file', name, ...options, '--quiet')).toMatchObject({
      code: 3,
      stdout: '',
      stderr: expect.stringContaining('line 4: submitted_at "soon"'),
    })
    expect(await tracked()).toEqual([
      { identifier: 'a', submitted_at: new Date('2026-07-01T10:15:00Z'), source: 'calls' },
      { identifier: 'b', submitted_at: null, source: 'export' },
    ])
  })

  it('reads a file of any name as CSV when a delimiter is given', async () => {
    const name = file('calls.list', 'identifier|source\na|calls\n')
    expect(await call('enqueue', '--file', name, '--delimiter', '|')).toMatchObject({ code: 0 })
    expect(await tracked()).toMatchObject([{ identifier: 'a', source: 'calls' }])
  })

  it('reads the columns that the options name, with a tab between them', async () => {
    const name = file('calls.txt', 'identifier\torigin\tsource\na\tcalls\tother\na\tcalls\tother\n')
    for (const tab of ['tab', 'TAB', '\\t', '\t']) {
      const { stdout } = await call(
        'enqueue',
        '--file',
        name,
        '--delimiter',
        tab,
        '--source-column',
        'origin',
      )
      expect(stdout).toMatch(
        /^(1 identifier added, 0|0 identifiers added, 1) already tracked.*, 1 repeated, 0 invalid\.\n/,
      )
    }
    expect(await tracked()).toMatchObject([{ identifier: 'a', source: 'calls' }])
  })

  it('says how to request tracked identifiers again that are not requested soon, also after none was added', async () => {
    await sql`insert into identifai.identifiers (identifier, state, due_at) values
      ('q', 'quarantined', null), ('m', 'missing', now()), ('p', 'pending', now())`.execute(database.db)
    const hint = (state: string) =>
      `To request the ${state} identifiers again: identifai-sync requeue --state ${state}\n`
    const hinted = async (...args: string[]) =>
      (await call('enqueue', ...args)).stdout.split(/(?<=\n)/).filter((line) => line.startsWith('To request'))
    expect(await hinted('q', 'm', 'p')).toEqual([hint('quarantined'), hint('missing')])
    expect(await hinted('m')).toEqual([hint('missing')])
    expect(await hinted('p', 'new')).toEqual([])
    expect(await hinted('q', '--dry-run')).toEqual([])
  })

  it('names the columns that were not read', async () => {
    const name = file('calls.csv', 'identifier;Date;Customer\na;01.07.2026;K1\n')
    const more = ['--submitted-at-column', 'Date', '--date-format', 'DD.MM.YYYY']
    expect((await call('enqueue', '--file', name, '--dry-run')).stdout).toContain(
      '\nColumns that were not read: Date, Customer.\n',
    )
    const { stdout } = await call('enqueue', '--file', name, ...more, '--json')
    expect(JSON.parse(stdout)).toMatchObject({ added: 1, ignored_columns: ['Customer'] })
    expect(await tracked()).toMatchObject([{ submitted_at: new Date('2026-07-01T00:00:00Z') }])
  })

  it('adds metadata later, and replaces them with --update', async () => {
    await call('enqueue', 'a', 'b', '--source', '')
    expect(await tracked()).toMatchObject([{ source: null }, { source: null }])
    const first = file('first.csv', 'identifier,source\na,calls\n')
    expect((await call('enqueue', '--file', first, '--dry-run')).stdout).toContain(
      '\n1 tracked identifier would get a submitted_at or source of the input.\n',
    )
    expect((await call('enqueue', '--file', first)).stdout).toBe(
      '0 identifiers added, 1 already tracked (1 pending), 0 invalid.\n1 tracked identifier got a submitted_at or source of the input.\n',
    )
    expect((await call('enqueue', 'a', 'b', '--source', 'other', '--update', '--json')).stdout).toContain(
      '"updated": 2',
    )
    expect(await tracked()).toMatchObject([{ source: 'other' }, { source: 'other' }])
  })
})

it('identifiers of a file have a lower priority than others, unless one is given', async () => {
  const priority = async (...args: string[]) => {
    await call('enqueue', ...args)
    const { rows } = await sql<{ priority: number }>`
      select priority from identifai.identifiers order by id desc limit 1`.execute(database.db)
    return rows[0]?.priority
  }
  expect(await priority('new')).toBe(0)
  expect(await priority('--file', file('many.txt', 'bulk\n'))).toBe(-5)
  expect(await priority('--file', file('few.txt', 'given\n'), '--priority', '7')).toBe(7)
})

describe('reconcile', () => {
  it('refuses a list without a valid identifier, because it would only list all that is tracked', async () => {
    await call('enqueue', 'a')
    for (const [content, message] of [
      ['', 'The input has no identifier, so nothing was compared. Give'],
      ['x'.repeat(1025), 'No identifier is valid, so nothing was compared.\n  line 1: longer than'],
    ]) {
      const result = await call('reconcile', file('list', content as string))
      expect(result).toMatchObject({
        code: 2,
        stdout: '',
        stderr: expect.stringContaining(message as string),
      })
    }
    const list = file('list.csv', 'identifier,submitted_at\na,soon\n')
    expect(await call('reconcile', list)).toMatchObject({ code: 0 })
  })

  it('prints 20 identifiers of each side, and with --json all of them', async () => {
    const names = (prefix: string, number: number) =>
      Array.from({ length: number }, (_, n) => `${prefix}${String(n).padStart(2, '0')}`)
    await sql`insert into identifai.identifiers (identifier) select 'tracked-' || n from generate_series(10, 30) as n`.execute(
      database.db,
    )
    await call('enqueue', 'both')
    await sql`update identifai.identifiers set state = 'done' where identifier = 'both'`.execute(database.db)
    const list = file('list.txt', ['both', ...names('lost-', 22)].join('\n'))
    const { code, stdout } = await call('reconcile', list, '--quiet')
    expect([code, stdout.split('\n')[0]]).toEqual([
      3,
      '23 identifiers listed, 22 tracked; 1 in both (1 done).',
    ])
    expect(stdout).toMatch(
      /\n\nListed, but not tracked: 22\n( {2}lost-\d\d\n){20} {2}\.\.\. and 2 more: --json/,
    )
    expect(stdout).toMatch(
      /\nTracked, but not listed: 21\n( {2}tracked-\d\d \(pending\)\n){20} {2}\.\.\. and 1 more: /,
    )
    const json = await call('reconcile', list, '--json')
    expect(json).toMatchObject({ code: 3, stderr: '' })
    const { only_in_list, only_tracked, ...figures } = JSON.parse(json.stdout)
    expect(figures).toMatchObject({ listed: 23, tracked: 22, in_both: 1, in_both_by_state: { done: 1 } })
    expect(only_in_list).toEqual(names('lost-', 22))
    expect(only_tracked).toHaveLength(21)
    const same = file(
      'same.txt',
      ['both', ...Array.from({ length: 21 }, (_, n) => `tracked-${n + 10}`)].join('\n'),
    )
    const none = await call('reconcile', same, '--json')
    expect([none.code, JSON.parse(none.stdout)]).toMatchObject([0, { only_in_list: [], only_tracked: [] }])
  })

  it('exits with 3 when the list has invalid lines, and says how many it does not list', async () => {
    await call('enqueue', 'a')
    const lines = ['a', ...Array.from({ length: 103 }, () => 'x'.repeat(1025))]
    const { code, stdout } = await call('reconcile', file('list.txt', lines.join('\n')))
    expect([code, stdout]).toEqual([3, expect.stringMatching(/1 in both.*103 invalid lines:\n {2}line 2: /s)])
    expect(stdout.match(/^ {2}line \d+: /gm)).toHaveLength(100)
    expect(stdout).toMatch(/\n {2}line 101: .*\n {2}and 3 more\n$/)
  })
})

describe('requeue and retire', () => {
  beforeEach(async () => {
    await call('enqueue', 'a', 'b', 'c')
  })

  const states = async () => {
    const { rows } = await sql<{ state: string }>`
      select state from identifai.identifiers order by identifier`.execute(database.db)
    return rows.map(({ state }) => state)
  }

  it('report their changes, and the identifiers that are not tracked', async () => {
    await sql`update identifai.identifiers set state = 'quarantined', due_at = null`.execute(database.db)
    expect((await call('enqueue', 'a')).stdout).toContain('requeue --state quarantined')
    expect(await call('requeue', 'a')).toEqual({ code: 0, stdout: '1 identifier due now.\n', stderr: '' })
    const rest = ['requeue', '--state', 'quarantined']
    expect((await call(...rest, '--dry-run')).stdout).toBe('2 identifiers would be due now.\n')
    expect(await states()).toEqual(['pending', 'quarantined', 'quarantined'])
    expect((await call(...rest)).stdout).toBe('2 identifiers due now.\n')
    expect(await call('requeue', 'x')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(
        /^error: Nothing was changed\. 1 identifier not tracked, or retired: x\. Check .*explain <identifier>$/m,
      ),
    })
    expect(await call('requeue')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/There are no identifiers\. .*--state quarantined/),
    })
    expect(await call('requeue', 'a', '--state', 'missing')).toMatchObject({ code: 2 })
    expect((await call('retire', 'a')).stderr).toContain('--reason')
    expect((await call('retire', 'a', '--reason', 'r')).stdout).toBe('1 identifier retired.\n')
    expect(await call('retire', 'a', '--reason', 'r')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/or retired before: a\. Check their spelling\./),
    })
    const some = await call('requeue', 'a', 'b', '--json')
    expect([some.code, JSON.parse(some.stdout)]).toEqual([
      3,
      { requeued: 1, unknown_count: 1, unknown: ['a'], invalid: 0, invalid_lines: [] },
    ])
    expect(some.stderr).toBe('error: 1 identifier not tracked, or retired: a\n')
    expect((await call('requeue', 'a', '--retired')).stdout).toBe('1 identifier due now.\n')
    expect(await states()).toEqual(['pending', 'pending', 'pending'])
  })

  it('read the same files as enqueue, and change nothing in a dry run', async () => {
    // Their metadata do not matter here, and need not be times.
    const list = file('list.csv', 'id;submitted_at;reason\na;soon;x\nb;;y\n')
    const options = ['--file', list, '--column', 'id']
    const dry = await call('retire', ...options, '--reason', 'deleted', '--dry-run')
    expect(dry).toEqual({ code: 0, stdout: '2 identifiers would be retired.\n', stderr: '' })
    expect(await states()).toEqual(['pending', 'pending', 'pending'])
    expect(await call('retire', ...options, '--reason', 'deleted')).toMatchObject({ code: 0 })
    expect(await states()).toEqual(['retired', 'retired', 'pending'])
    const again = await call('requeue', ...options, '--retired', '--dry-run')
    expect(again).toEqual({ code: 0, stdout: '2 identifiers would be due now.\n', stderr: '' })
    expect((await call('reconcile', list, '--column', 'id')).stdout).toMatch(
      /^2 identifiers listed, 3 tracked; 2 in both/,
    )
    const document = await call('retire', 'c', '--reason', 'r', '--dry-run', '--json')
    expect(JSON.parse(document.stdout)).toEqual({
      retired: 1,
      unknown_count: 0,
      unknown: [],
      invalid: 0,
      invalid_lines: [],
    })
    const many = Array.from({ length: 150 }, (_, n) => `unknown-${n}`)
    const piped = await cli.run(
      ['requeue', '-', '--retired'],
      environment,
      ['b', 'b'.repeat(1025), ...many].join('\n'),
    )
    expect(piped).toMatchObject({ code: 3, stdout: '1 identifier due now.\n' })
    expect(piped.stderr).toMatch(
      /^error: 150 identifiers not tracked, or redacted: unknown-0, .*unknown-19, and 130 more\n1 invalid line:\n {2}line 2: longer than 1024 bytes\n$/,
    )
    expect(await states()).toEqual(['retired', 'pending', 'pending'])
    const longOnly = file('long.txt', `c\n${'x'.repeat(1025)}\n`)
    expect(await call('requeue', '--file', longOnly)).toEqual({
      code: 3,
      stdout: '1 identifier due now.\n',
      stderr: 'error: 1 invalid line:\n  line 2: longer than 1024 bytes\n',
    })
  })
})

it('requeue --state makes those of this state due, and refuses what would select others', async () => {
  await using own = await createQueueOfStates()
  const requeue = (...args: string[]) => cli.call(['requeue', ...args], { DATABASE_URL: own.url })
  for (const [words, ...wrong] of [
    ['There is --state, and', '--state', 'missing', '--file', 'list.txt'],
    ['There is --state, and', '--state', 'missing', 'done'],
    ['There is --state, and', '--state', 'missing', '--retired'],
    ['Add --retired', 'done', '--reason', 'r'],
    ['Add --retired', 'done', '--author', 'A'],
    ['Allowed choices are quarantined, missing', '--state', 'retired'],
  ] as const)
    expect(await requeue(...wrong), words).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining(words),
    })
  const dueOnes = async () =>
    (await readStates(own)).filter(({ due }) => due).map(({ identifier }) => identifier)
  const dry = await requeue('--state', 'missing', '--dry-run', '--json')
  expect([JSON.parse(dry.stdout), await dueOnes()]).toEqual([{ requeued: 1 }, []])
  expect(await requeue('--state', 'missing', '--json')).toMatchObject({ code: 0, stderr: '' })
  expect(await dueOnes()).toEqual(['missing'])
})
it('retire, requeue --retired and redact store who decided, and why', async () => {
  await call('enqueue', 'a')
  const decided = (who: string) => ['--author', `${who} `, '--reason', ` reason of ${who}`]
  for (const [command, ...more] of [['retire'], ['requeue', '--retired'], ['retire'], ['redact']] as const)
    expect(await call(command, 'a', ...more, ...decided(command))).toMatchObject({ code: 0, stderr: '' })
  expect(await readActions(database)).toMatchObject(
    ['retire', 'requeue', 'retire', 'redact'].map((author) => ({ author, reason: `reason of ${author}` })),
  )
})

it('a list without a valid identifier changes nothing, with exit code 2', async () => {
  const invalid = file('invalid.txt', `${'x'.repeat(1025)}\n`)
  for (const command of [['requeue'], ['retire', '--reason', 'r']]) {
    expect(await call(...command, '--file', invalid)).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(
        /^error: No identifier is valid, so nothing was changed\.\n {2}line 1: longer/,
      ),
    })
    expect((await call(...command, '--file', file('empty.txt', ''))).stderr).toContain(
      'The input has no identifier, so nothing was changed.',
    )
  }
})

it.each([
  ['enqueue', 'a'],
  ['reconcile', 'list.txt'],
  ['annotate', '--hash', 'a', '--forced-to', 'human', '--author', 'A', '--reason', 'r', '--unknown'],
  ['redact', 'a', '--reason', 'r'],
  ['report', 'forced'],
  ['report', 'bundle'],
])('%s takes the medium that is given, and refuses an unknown one', async (...command) => {
  file('list.txt', 'a\n')
  expect(await call(...command, '--media', 'sculpture')).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining('sculpture'),
  })
})

it('redact removes the personal values of a retired identifier, and none in a dry run', async () => {
  await call('enqueue', 'a', '--source', 'line of A. Rossi')
  await call('retire', 'a', '--reason', 'erasure request 88')
  const quarantine = EVIDENCE_INSERTS.find((insert) => insert.includes('quarantined_payloads')) ?? ''
  for (let n = 0; n < 2; n++) await sql.raw(quarantine).execute(database.db)
  const redact = (...more: string[]) => call('redact', 'a', '--reason', 'erasure request 88', ...more)
  expect(await redact('--dry-run')).toMatchObject({
    code: 0,
    stdout: 'Would be removed: the personal values of 0 revisions, 0 payloads and 2 quarantined records.\n',
  })
  const maintenance = { MAINTENANCE_DATABASE_URL: database.url }
  expect(await cli.call(['redact', 'a', '--reason', 'r', '--dry-run'], maintenance)).toMatchObject({
    code: 0,
  })
  expect(await redact('--media', 'video')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('video'),
  })
  expect(await tracked()).toMatchObject([{ source: 'line of A. Rossi' }])
  expect(await redact()).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Removed: /) })
  expect(await tracked()).toMatchObject([{ source: null }])
})
