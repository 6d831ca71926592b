import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { readErrors, readFindings, readSettingProblems } from '../../../scripts/read-messages.ts'
import { LOG_EVENTS } from '../../../src/platform/log-events.ts'

const events = Object.entries(LOG_EVENTS).map(([text, event]) => ({ text, ...event }))

describe('the errors of the program', () => {
  const errors = readErrors()

  it('have an entry for each class that can be created', () => {
    const source = readFileSync('src/platform/errors.ts', 'utf8')
    const classes = [...source.matchAll(/^export class (\w+)/gm)].map(([, name]) => name)
    expect(classes.length).toBeGreaterThan(10)
    const named = new Set(errors.map(({ name }) => name))
    expect(classes.filter((name) => name === undefined || !named.has(name))).toEqual([])
  })

  it.each([
    [2, 'UsageError', /^There are no identifiers\.$/, /--file/],
    [2, 'UsageError', /^This version has no medium <media>\.$/, /^Give one of these: <media>\.$/],
    [2, 'ConfigurationError', /^Configuration: <problems>\.$/, /--help/],
    [2, 'InvalidArgumentError', /'<option>' argument '<value>' is invalid/, /date such as 2026-07-01/],
    [4, 'ApiKeyRefusedError', /^<place>: the API refuses the key \(<status>\)\.$/, /IDENTIFAI_API_KEY/],
    [5, 'DatabaseError', /lacks <number> of <number> migrations/, /identifai-sync migrate/],
    [6, 'ReportRefusedError', /would not be complete\.\n<lines>$/, /--allow-incomplete/],
    [6, 'AlteredError', /<row> differs from its sealed form/, /report verify/],
    [7, 'GaveUpError', /because <failures> failed/, /Run it again later/],
    [7, 'PauseTooLongError', /reported <in a row> times in a row/, /the same key/],
    [7, 'ThrottledError', /over the quota \(429\)/, /the same key/],
    [
      7,
      'CircuitBrokenError',
      /^The circuit breaker stopped the run.* Too many records \(<rejected> of <number>\)/,
      /newer/,
    ],
  ])('have one with exit code %i of the class %s: %s', (exitCode, name, problem, remedy) => {
    expect(errors).toContainEqual({
      name,
      exitCode,
      problem: expect.stringMatching(problem),
      remedy: expect.stringMatching(remedy),
    })
  })

  it('have a problem and a remedy each, in the order of the exit codes', () => {
    expect(errors.filter(({ problem, remedy }) => problem === '' || remedy === '')).toEqual([])
    const codes = errors.map(({ exitCode }) => exitCode)
    expect(codes).toEqual(codes.toSorted((one, other) => one - other))
    expect(new Set(codes)).toEqual(new Set([2, 4, 5, 6, 7]))
  })
})

it('the problems of settings have the name of the variable, and the valid values', () => {
  const problems = readSettingProblems()
  expect(problems).toEqual(
    expect.arrayContaining([
      '<name> is not set. Set it to <hint>',
      '<name> must be a whole number from <least> to <most>',
      '<name> must be the IANA name of a time zone, such as Europe/Rome',
      expect.stringMatching(/^<name> must be a cron expression, such as 0 2 \* \* \*/),
    ]),
  )
  expect(problems.filter((problem) => !problem.startsWith('<name>'))).toEqual([])
})

describe('the findings of doctor', () => {
  const findings = readFindings()

  it('have one of each status', () => {
    expect(findings).toEqual(
      expect.arrayContaining([
        { status: 'ok', found: 'The API accepts the key.', remedy: '' },
        {
          status: 'warning',
          found: 'A variable is unknown, so it has no effect: <variable>',
          remedy: expect.stringContaining('--help'),
        },
        {
          status: 'failed',
          found: 'The role <role> lacks <lacking>.',
          remedy: expect.stringContaining('identifai-sync grant-job <role>'),
        },
        { status: 'skipped', found: expect.stringContaining('may not read the sequences'), remedy: '' },
      ]),
    )
  })

  it('have a remedy when they are a warning or a failure', () => {
    const problems = findings.filter(({ status }) => status === 'warning' || status === 'failed')
    expect(problems.length).toBeGreaterThan(10)
    expect(problems.filter(({ remedy }) => remedy === '')).toEqual([])
  })
})

describe('the events of the log', () => {
  it('are all logged somewhere', () => {
    const listed = execFileSync('git', ['ls-files', '-z', '--', 'src'], { encoding: 'utf8' })
    const files = listed
      .split('\0')
      .filter((file) => file.endsWith('.ts') && !file.endsWith('/log-events.ts'))
    const source = files.map((file) => readFileSync(file, 'utf8')).join('\n')
    expect(events.filter(({ text }) => !source.includes(`'${text}'`))).toEqual([])
  })

  it('have a meaning each, and a remedy when they are a warning or an error', () => {
    expect(events.filter(({ meaning }) => !meaning.endsWith('.'))).toEqual([])
    const problems = events.filter(({ level }) => level === 'warn' || level === 'error')
    expect(problems.length).toBeGreaterThan(10)
    expect(problems.filter(({ remedy }) => !remedy)).toEqual([])
  })
})
