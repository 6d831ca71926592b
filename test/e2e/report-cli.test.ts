import { generateKeyPairSync } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestCli, type TestCli, finish } from '../support/test-cli.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'
import { createTestDatabase } from '../support/test-database.ts'

const KEY = generateKeyPairSync('ed25519')

/** The notice that a report without --to prints first. */
const ENDS = /^The period ends at .*Z, because all changes up to then were observed\.\n/

describe('the commands of compliance', () => {
  let cli: TestCli
  let bench: TestApp
  let forced: string
  let hash: string

  beforeAll(async () => {
    cli = createTestCli()
    const pem = String(KEY.privateKey.export({ format: 'pem', type: 'pkcs8' }))
    bench = await createTestApp({ world: { seed: 83 }, environment: { SEAL_SIGNING_KEY: pem } })
    const { world } = bench.simulator
    const identifiers = await bench.load({ count: 30, outcome: 'done' })
    forced = identifiers[11] as string
    hash = world.hashOf(forced) as string
    world.override(hash, 'human')
    await bench.run({ refreshAll: true })
    await bench.run({ refreshAll: true })
  })
  afterAll(async () => {
    await bench[Symbol.asyncDispose]()
    cli[Symbol.dispose]()
  })

  /** The settings: the database only, because these commands need no key. */
  const settings = () => ({ DATABASE_URL: bench.database.url })
  const run = (...args: string[]) => cli.call(args, settings())
  const inFolder = (name: string) => path.join(cli.folder, name)

  it('report forced prints a table, CSV, JSON and HTML, or writes them to a file', async () => {
    const table = await cli.run(['report', 'forced'], settings())
    expect(table).toMatchObject({ code: 0, stderr: expect.stringMatching(ENDS) })
    expect(table.stdout).toContain('In the period: 1 decision (1 certainly, 0 possibly), and 2 events')
    const json = await run('report', 'forced', '--json')
    const report = JSON.parse(json.stdout)
    expect(report).toMatchObject({
      generated_by: expect.stringMatching(/^identifai-sync \d/),
      summary: { period: { events: 2 } },
    })
    expect(table.stdout).toContain(report.data_digest)
    expect((await run('report', 'forced', '--format', 'csv')).stdout.split('\r\n')).toHaveLength(4)
    const page = await run('report', 'forced', '--format', 'html', '--output', inFolder('r.html'))
    expect(page).toMatchObject({ code: 0, stdout: '' })
    expect(page.stderr).toMatch(
      new RegExp(
        `${ENDS.source}Written: .*r\\.html\\. Period up to .*Z \\(not included\\), as of .* \\(chain position 3\\), data digest ${report.data_digest}\n$`,
      ),
    )
    expect(readFileSync(inFolder('r.html'), 'utf8')).toMatch(/^<!doctype html>.*<\/html>\n$/s)
  })

  it('report forced makes the same report again from the period and the as-of that it prints', async () => {
    const first = await run('report', 'forced', '--format', 'html', '--output', inFolder('again.html'))
    const printed = /Period up to (.*Z) \(not included\), as of (.*Z) \(.*data digest (\w+)/.exec(
      first.stderr,
    )
    const [, to = '', asOf = '', digest] = printed ?? []
    const again = await run('report', 'forced', '--to', to, '--as-of', asOf, '--json')
    expect(JSON.parse(again.stdout)).toMatchObject({ data_digest: digest })
    // Its period ends where the caller wants it to.
    expect(again.stderr).toBe('')
    const page = readFileSync(inFolder('again.html'), 'utf8')
    const minute = (time: string) => `${time.slice(0, 16)} UTC`
    expect(page).toContain(`Period up to ${minute(to)} (not included)`)
    expect(page).toContain(`the run at ${minute(asOf)}`)
    expect(page).toContain(`<dt>Period</dt><dd>up to ${to} (not included)</dd>`)
    expect(page).toContain(`<dt>End of the run</dt><dd>${asOf}</dd>`)
  })

  it('report forced takes a period by its name', async () => {
    const periodOf = async (...args: string[]) =>
      JSON.parse((await run('report', 'forced', '--json', '--allow-incomplete', ...args)).stdout).head.period
    for (const [name, from, to] of [
      ['2026', '2026-01-01', '2027-01-01'],
      ['2026-Q4', '2026-10-01', '2027-01-01'],
      ['2026-q1', '2026-01-01', '2026-04-01'],
      ['2026-02', '2026-02-01', '2026-03-01'],
      ['2026-12', '2026-12-01', '2027-01-01'],
    ] as const) {
      const midnight = 'T00:00:00.000000Z'
      expect(await periodOf('--period', name)).toEqual({
        from: `${from}${midnight}`,
        to: `${to}${midnight}`,
        time_zone: 'UTC',
      })
    }
    const zone = ['--time-zone', 'Europe/Rome']
    const july = {
      from: '2026-06-30T22:00:00.000000Z',
      to: '2026-07-31T22:00:00.000000Z',
      time_zone: zone[1],
    }
    expect(await periodOf('--period', '2026-07', ...zone)).toEqual(july)
    expect(await periodOf('--from', '2026-07-01', '--to', '2026-08-01T00:00', ...zone)).toEqual(july)
    for (const wrong of ['Rome', '+02:00', 'Europe/Nowhere'])
      expect((await run('report', 'forced', '--time-zone', wrong)).stderr).toContain(
        'such as Europe/Rome or UTC',
      )
    for (const wrong of ['2026-Q5', '2026-13', '2026-1', '0000', '9999', 'July'])
      expect((await run('report', 'forced', '--period', wrong)).stderr).toContain('2026, 2026-Q3 or 2026-09')
    expect(await run('report', 'forced', '--period', '2026', '--to', '2026-07-01')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("'--period <period>' cannot be used with option '--to <time>'"),
    })
  })

  it('report forced refuses an incomplete report with 6, unless --allow-incomplete is given', async () => {
    const args = ['report', 'forced', '--to', '2100-01-01']
    const refused = await cli.run([...args, '--output', inFolder('refused.txt')], settings())
    expect(refused).toMatchObject({ code: 6, stdout: '' })
    expect(refused.stderr).toMatch(
      /^error: The report was not made, because it would not be complete.*Run \S.*identifai-sync sync after the end of the period.*--allow-incomplete/s,
    )
    expect(existsSync(inFolder('refused.txt'))).toBe(false)
    const made = await run(...args, '--allow-incomplete')
    expect(made).toMatchObject({ code: 0 })
    expect(made.stdout).toContain('NOT COMPLETE')
    const bundle = ['report', 'bundle', '--to', '2100-01-01', '--output', inFolder('gap.jsonl')]
    expect((await run(...bundle)).code).toBe(6)
    await run(...bundle, '--allow-incomplete')
    expect((await run('report', 'verify', inFolder('gap.jsonl'))).stdout).toContain(
      '\nThe report is NOT COMPLETE, and states its gaps.\n',
    )
  })

  it.each([
    [['--from', 'yesterday'], /It must be a date such as 2026-07-01/],
    [['--from', '2026-07-02', '--to', '2026-07-01'], /The period is empty/],
    [['--as-of', '2020-01-01'], /no run had ended by 2020-01-01/],
    [['--format', 'pdf'], /Allowed choices are table, csv, json, html/],
    [['--output', '/nonexistent/r.txt'], /cannot be written \(ENOENT.*Give another path with --output/],
  ])('report forced %j names the error, with 2', async (args, message) => {
    const result = await run('report', 'forced', ...args)
    expect(result).toMatchObject({ code: 2, stdout: '' })
    expect(result.stderr).toMatch(message)
  })

  it.each([
    ['report forced --json', ['report', 'forced', '--json']],
    ['report bundle', ['report', 'bundle']],
  ])('%s succeeds when the reader stops early', async (_, args) => {
    const child = cli.start(args, settings())
    child.stdout?.destroy()
    expect(await finish(child)).toMatchObject({ code: 0, stderr: expect.stringMatching(ENDS) })
  })

  it('leaves no temporary file when the output cannot be written', async () => {
    writeFileSync(inFolder('taken.html'), 'before')
    const before = readdirSync(cli.folder)
    await run('report', 'forced', '--output', cli.folder)
    expect(readdirSync(cli.folder)).toEqual(before)
  })

  it('report verify checks the signature of the chain head with a public key', async () => {
    const keyFile = inFolder('seal.pub')
    writeFileSync(keyFile, KEY.publicKey.export({ format: 'pem', type: 'spki' }))
    const bundle = inFolder('signed.bundle.jsonl')
    await run('report', 'bundle', '--output', bundle)
    for (const file of [[], [bundle]]) {
      const { code, stdout } = await run('report', 'verify', ...file, '--key', keyFile)
      expect([code, stdout]).toEqual([
        0,
        expect.stringContaining('The chain head is signed with the given key.'),
      ])
    }
    const other = inFolder('other.pub')
    writeFileSync(other, generateKeyPairSync('ed25519').publicKey.export({ format: 'pem', type: 'spki' }))
    for (const file of [[], [bundle]]) {
      const { code, stdout } = await run('report', 'verify', ...file, '--key', other)
      expect([code, stdout]).toEqual([6, expect.stringMatching(/signed with the given key/)])
      expect(stdout).not.toContain('The chain head is signed')
    }
    await using empty = await createTestDatabase()
    const nothing = await cli.call(['report', 'verify', '--key', keyFile], { DATABASE_URL: empty.url })
    expect(nothing).toMatchObject({ code: 0, stdout: expect.stringContaining('Chain head: none yet\n') })
    expect(nothing.stdout).not.toContain('signed with')
    for (const none of [bundle, inFolder('none')]) {
      expect(await run('report', 'verify', bundle, '--key', none)).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(/has no Ed25519 key in PEM\. Give the public key: openssl pkey/),
      })
    }
  })

  it('report verify takes a report and a bundle without a database, and exits with 6 when there are findings', async () => {
    await run('report', 'bundle', '--output', inFolder('b.jsonl'))
    await run('report', 'forced', '--json', '--output', inFolder('r.json'))
    for (const [file, words, finding] of [
      ['b.jsonl', 'Every event and note is as it was sealed', /does not belong to the root of its run/],
      ['r.json', 'The report is consistent.', /does not match the data, because one of the two was altered/],
    ] as const) {
      const good = await cli.run(['report', 'verify', inFolder(file)])
      expect(good).toMatchObject({ code: 0, stderr: '' })
      expect(good.stdout).toContain(words)
      expect(good.stdout).toMatch(/^Checked: 2 events and 1 decision, .*\n(.*\n)?The report is complete\.$/m)
      expect(good.stdout).toMatch(/^Period: the beginning to \S+Z \(not included\), as of \S+Z\.$/m)
      writeFileSync(
        inFolder(`bad-${file}`),
        readFileSync(inFolder(file), 'utf8').replaceAll(forced, 'x'.repeat(64)),
      )
      const bad = await cli.call(['report', 'verify', inFolder(`bad-${file}`), '--json'])
      expect(bad.code).toBe(6)
      expect(JSON.stringify(JSON.parse(bad.stdout).findings)).toMatch(finding)
    }
    expect(await cli.call(['report', 'verify', inFolder('none')])).toMatchObject({ code: 2 })
    expect(await cli.call(['report', 'verify'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('DATABASE_URL'),
    })
    const whole = await run('report', 'verify')
    expect(whole).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Everything is as it was sealed'),
    })
    const [, head] = /^Chain head: ([0-9a-f]{64})$/m.exec(whole.stdout) ?? []
    const { data_digest: digest } = JSON.parse(readFileSync(inFolder('r.json'), 'utf8')) as {
      data_digest: string
    }
    expect((await run('report', 'verify', inFolder('r.json'))).stdout).toContain(
      `\nData digest: ${digest}\nChain head at position 3: ${head}\n`,
    )
    const advice = 'Compare the chain head with a chain head that you kept elsewhere.'
    expect((await run('report', 'verify', inFolder('b.jsonl'))).stdout).toContain(advice)
    for (const file of [[], [inFolder('b.jsonl')]]) {
      const { stdout } = await run('report', 'verify', ...file, '--head', String(head).toUpperCase())
      expect(stdout).toContain('The given head is at position 3.')
      expect(stdout).not.toContain(advice)
    }
    const { rows: heads } = await sql<{ chain_head: string; position: number }>`
      select chain_head, chain_position as position from identifai.sync_runs order by 2`.execute(bench.app.db)
    expect(heads).toHaveLength(3)
    const older = heads.slice(0, 2)
    const flags = older.flatMap(({ chain_head: kept }) => ['--head', kept])
    await run('report', 'bundle', '--output', inFolder('heads.jsonl'), ...flags)
    for (const { chain_head: kept, position } of older)
      expect(await cli.call(['report', 'verify', inFolder('heads.jsonl'), '--head', kept])).toMatchObject({
        code: 0,
        stdout: expect.stringContaining(`The given head is at position ${position}.`),
      })
  })

  it('explain takes the number of a classification, as findings have it', async () => {
    const byName = JSON.parse((await run('explain', forced, '--json')).stdout)
    const byNumber = await run('explain', String(byName.classification_id), '--json')
    expect(JSON.parse(byNumber.stdout)).toEqual(byName)
    expect(await run('explain', '999999')).toMatchObject({ code: 2 })
  })

  it('annotate takes notes from a file, all or none, and names each line that is no note', async () => {
    const file = (name: string, ...lines: string[]) => {
      writeFileSync(inFolder(name), lines.join('\r\n'))
      return inFolder(name)
    }
    const notes = async () => JSON.parse((await run('explain', forced, '--json')).stdout).notes as object[]
    const before = await notes()
    const header = 'Hash;Forced_To;Author;Reason;Ticket;Reviewer;Corrects'
    const good = file('notes.csv', header, `${hash};human;A. Rossi;"called; back";F-1;;`, '')
    const tried = await run('annotate', '--file', good, '--dry-run')
    expect(tried).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^A note would be written: 2 tracked/),
    })
    expect(tried.stdout).not.toContain('Reports have it')
    const document = await run('annotate', '--file', good, '--dry-run', '--json')
    expect(JSON.parse(document.stdout)).toMatchObject([{ note_id: null, tracked: 2, matching: 2 }])
    const bad = file(
      'bad.csv',
      header,
      `${hash};human;A;r;;;`,
      ';;A;r;;;',
      ';;A;r;;;x',
      `${hash};human; ;r;;;`,
      `${hash};human;A;r;;;1`,
    )
    const refused = await run('annotate', '--file', bad)
    expect(refused).toMatchObject({ code: 2, stdout: '' })
    expect(refused.stderr).toMatch(
      /4 of 5 lines are no notes.*line 3: hash is blank.*line 4: corrects is not.*line 5: author is blank.*line 6: a correction has/s,
    )
    const unknownNote = `${'f00d'.repeat(16)};human;A;r;;;`
    for (const [words, ...lines] of [
      ['1 note explains', unknownNote],
      ['2 notes explain', unknownNote, unknownNote],
    ] as const) {
      const explainsNothing = file('explains-nothing.csv', header, ...lines)
      expect((await run('annotate', '--file', explainsNothing, '--unknown', '--dry-run')).stderr).toBe(
        `warning: ${words} no decision so far.\n`,
      )
    }
    const unknown = file('unknown.csv', header, unknownNote)
    expect((await run('annotate', '--file', unknown)).stderr).toMatch(
      /1 of 1 notes cannot be written.*line 2: No tracked/s,
    )
    for (const [name, lines, words] of [
      [
        'misspelled',
        ['hash;forced_to;writer;reason', 'x'],
        'The columns of the notes are hash, forced_to, writer',
      ],
      [
        'repeated',
        ['hash;author;reason;reason', 'x'],
        'The columns of the notes are hash, author, reason, reason',
      ],
      ['open quote', [header, `${hash};human;"A;r`], 'Quote Not Closed'],
      ['no note', [header], 'has no notes'],
    ] as const)
      expect(await run('annotate', '--file', file(name, ...lines)), name).toMatchObject({
        code: 2,
        stdout: '',
        stderr: expect.stringContaining(words),
      })
    for (const [words, ...wrong] of [
      ['cannot be read', '--file', inFolder('none.csv')],
      ...['--author', '--reason', '--ticket', '--reviewer', '--hash'].map(
        (option) => ['Give one of the two', '--file', good, option, 'A'] as const,
      ),
      ['Give one of the two', '--file', good, '--correct', '1'],
      ['A note needs a file and a label', '--hash', hash, '--author', 'A', '--reason', 'r'],
      ['Leave out --hash', '--correct', '1', '--hash', hash, '--author', 'A', '--reason', 'r'],
      ['Leave out --hash', '--correct', '1', '--forced-to', 'none', '--author', 'A', '--reason', 'r'],
      ['A note needs an author and a reason', '--correct', '1', '--author', 'A'],
    ] as const)
      expect(await run('annotate', ...wrong), words).toMatchObject({
        code: 2,
        stdout: '',
        stderr: expect.stringContaining(words),
      })
    expect(await notes()).toEqual(before)
  })

  it('annotate writes a note, explain shows it, and explain names the identifiers of a file hash', async () => {
    const more = ['--ticket', 'F-2', '--reviewer', 'B']
    const noted = await cli.run(
      ['annotate', '--hash', hash, '--forced-to', 'human', '--author', 'A', '--reason', 'r', ...more],
      settings(),
    )
    expect(noted).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringMatching(
        /^Note \d+ written: 2 tracked identifiers .*\nIt explains the decision that happened after \S+ \S+Z and before \S+ \S+Z, on 2 identifiers\.\n/,
      ),
    })
    const [, note] = /^Note (\d+)/.exec(noted.stdout) ?? []
    const [, notBefore = '', notAfter = ''] =
      /after (\S+ \S+Z) and before (\S+ \S+Z)/.exec(noted.stdout) ?? []
    const { rows } = await sql<{ contained: boolean }>`
      select not_before >= ${notBefore}::timestamptz and not_after <= ${notAfter}::timestamptz as contained
      from identifai_reporting.force_events where identifier = ${forced}`.execute(bench.app.db)
    expect(rows).toEqual([{ contained: true }])
    const unknown = await run(
      'annotate',
      '--hash',
      'f00d'.repeat(16),
      '--forced-to',
      'none',
      '--author',
      'A',
      '--reason',
      'r',
      '--json',
      '--unknown',
    )
    expect(JSON.parse(unknown.stdout)).toMatchObject({
      note_id: Number(note) + 1,
      tracked: 0,
      explains: null,
    })
    expect(unknown).toMatchObject({
      code: 0,
      stderr:
        'warning: the note explains no decision so far. If the hash or the label is mistyped, write another note. This one stays.\n',
    })
    const common = ['--author', 'A', '--reason', 'r', '--unknown', '--dry-run']
    for (const [label, words] of [
      ['artificial', 'forced to artificial'],
      ['none', 'without a forced label'],
    ] as const)
      expect(await run('annotate', '--hash', hash, '--forced-to', label, ...common)).toEqual({
        code: 0,
        stdout: `A note would be written: 2 tracked identifiers of this file, 0 of them ${words} as of the last responses.\n`,
        stderr: 'warning: the note explains no decision so far.\n',
      })
    expect(
      await run('annotate', '--hash', hash, '--forced-to', 'human', '--author', ' ', '--reason', 'r'),
    ).toMatchObject({ code: 2 })
    const explained = await cli.run(['explain', forced], settings())
    expect(explained).toMatchObject({ code: 0, stdout: expect.stringContaining('FORCED') })
    expect(JSON.parse((await run('explain', forced, '--json')).stdout)).toMatchObject({
      identifier: forced,
      notes: [{ note_id: Number(note), ticket: 'F-2', reviewer: 'B' }],
    })
    const corrected = await run(
      'annotate',
      '--correct',
      String(note),
      '--author',
      'A',
      '--reason',
      'heard it',
    )
    expect(corrected).toMatchObject({ code: 0, stderr: '' })
    expect(corrected.stdout).toMatch(
      new RegExp(
        `^Note \\d+ written: .*\\nIt counts in place of note ${note}\\.\\n(.*\\n)?Reports have it when the next run has ended\\.\\n$`,
      ),
    )
    const file = await run('explain', hash)
    expect(file).toMatchObject({ code: 2, stdout: '' })
    expect(file.stderr).toMatch(new RegExp(`is the hash of a file.*${forced}`, 's'))
    expect(await run('explain', 'unknown')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('neither a tracked identifier'),
    })
  })

  it('reconcile exits with 3 when the two differ, and with 0 when they are the same', async () => {
    const all = bench.simulator.world.identifiers
    writeFileSync(inFolder('all.txt'), all.join('\n'))
    expect(await run('reconcile', inFolder('all.txt'))).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('30 in both'),
    })
    writeFileSync(inFolder('some.csv'), `identifier\n${all.slice(1).join('\n')}\nlost\n`)
    const differ = await run('reconcile', inFolder('some.csv'))
    expect(differ.code).toBe(3)
    expect(differ.stdout).toMatch(
      new RegExp(
        `Listed, but not tracked: 1\n {2}lost\n\nTracked, but not listed: 1\n {2}${all[0]} \\(done\\)`,
      ),
    )
    expect(await cli.run(['reconcile', '-'], settings(), all.join('\n'))).toMatchObject({ code: 0 })
  })

  it('prune takes days only', async () => {
    const { rows } = await sql<{ stored: number }>`
      select count(*)::integer as stored from identifai.revision_payloads`.execute(bench.app.db)
    const stored = rows[0]?.stored
    expect(await cli.run(['prune', '--payloads-older-than', '400d'], settings())).toMatchObject({
      code: 0,
      stdout: `0 payloads removed; ${stored} still stored.\n`,
    })
    expect(await run('prune', '--payloads-older-than', '400d', '--dry-run')).toMatchObject({
      code: 0,
      stdout: `0 payloads of ${stored} would be removed.\n`,
    })
    for (const wrong of ['400', '0d', '-1d', '1h']) {
      expect(await run('prune', `--payloads-older-than=${wrong}`)).toMatchObject({ code: 2 })
    }
    expect(await run('prune')).toMatchObject({ code: 2 })
  })
})
