import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempDisposableSync, readFileSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { findProblems, sentenceLengths } from '../../../scripts/words/find-problems.ts'

const project = path.resolve(import.meta.dirname, '../../..')

describe('a planted problem', () => {
  it.each([
    ['a phrase', '/** Loads the row once more. */', 'phrase', 'once more'],
    ['a phrase over two lines', '/**\n * Loads the row once\n * more.\n */', 'phrase', 'once more'],
    ['a phrase in comments of one line each', '// It loads the row once\n// more.', 'phrase', 'once more'],
    ['a verb of people', '// The API tells the state.', 'phrase', 'tells'],
    ['a retired term', '// Reads the ledger.', 'phrase', 'ledger'],
    ['a run that is called a pass', '// Ends a pass.', 'phrase', 'a pass'],
    ['an opening clause', '/** What it loads. */', 'opener', 'What it loads.'],
    [
      'an opening clause in a later sentence',
      '// Loads rows. Who reads them waits.',
      'opener',
      'Who reads them waits.',
    ],
    ['an opening preposition', '// By whom it was made.', 'opener', 'By whom it was made.'],
    [
      'an opening that-clause',
      '// That the row exists is checked.',
      'opener',
      'That the row exists is checked.',
    ],
    [
      'an opening clause in a tag',
      '/**\n * Loads.\n *\n * @returns What it loaded.\n */',
      'opener',
      'What it loaded.',
    ],
    ['26 words', `// ${'word '.repeat(26)}`, 'long sentence', 'word word word word word word word word'],
    ['a variable', 'const settledAt = 1', 'retired name', 'settledAt'],
    ['a constant', 'const MAX_SIBLINGS = 1', 'retired name', 'MAX_SIBLINGS'],
    ['a private field', 'class Row { #asked = 1 }', 'retired name', 'asked'],
    ['a property', 'row.ledgerRow', 'retired name', 'ledgerRow'],
    ['a type', 'type Sweep = string', 'retired name', 'Sweep'],
    ['a value', "const state = 'settled'", 'retired name', 'settled'],
    ['a column in a text', "const select = 'select wake_at from t'", 'retired name', 'wake_at'],
    ['a word of SQL', 'sql`with woken as (select 1) select 2`', 'retired name', 'woken'],
    ['two parts', 'const readFoundForced = 1', 'retired name', 'readFoundForced'],
    ['a text for people', "console.log('It loads this once more.')", 'phrase', 'once more'],
    ['a text with a value', 'console.log(`It loads ${row} once more.`)', 'phrase', 'once more'],
    [
      'a text that opens with a clause',
      "throw new Error('What it loads is gone.')",
      'opener',
      'What it loads is gone.',
    ],
    [
      'a text of 26 words',
      `const text = '${'word '.repeat(26)}'`,
      'long sentence',
      'word word word word word word word word',
    ],
    [
      'a text in HTML',
      'const page = `<h1>The row</h1><p class="a">What <%= it.row %> loads is here.</p>`',
      'opener',
      'What `x` loads is here.',
    ],
    ['a quoted text in SQL', "sql`select 'a settled row'`", 'phrase', 'settled'],
    ['a comment in SQL', 'sql`select 1 -- Loads the row once more.\n, 2`', 'phrase', 'once more'],
  ])('is found: %s', (_, source, rule, text) => {
    expect(findProblems('src/row.ts', source)).toMatchObject([{ file: 'src/row.ts', rule, text }])
  })

  it.each([
    ['the name of a test', "it('loads once more', () => {})", 'phrase', 'once more'],
    ['the name of a table', "describe.each([1])('what it loads', () => {})", 'opener', 'what it loads'],
    ['a name in a template', 'it(`loads ${row} once more`, () => {})', 'phrase', 'once more'],
    ['a comment', '// Loads the row once more.', 'phrase', 'once more'],
  ])('is found in a test: %s', (_, source, rule, text) => {
    expect(findProblems('test/row.test.ts', source)).toMatchObject([{ file: 'test/row.test.ts', rule, text }])
  })

  it('is found in a line of a help text, although its lines before are no sentences', () => {
    const source = 'const help = `\nExamples of the command:\n  $ load row\n  What it loads is printed.\n`\n'
    expect(findProblems('src/row.ts', source)).toMatchObject([{ line: 4, rule: 'opener' }])
  })

  it('is found in the name of a file', () => {
    expect(findProblems('src/owed-night.ts', '')).toMatchObject([{ line: 1, text: 'owed-night' }])
  })

  it('is found in comments of other files', () => {
    expect(findProblems('Dockerfile', 'FROM node\n# What runs.\n')).toMatchObject([
      { line: 2, rule: 'opener' },
    ])
    expect(findProblems('deploy/a.yml', 'a: 1 # Runs once more.\n')).toMatchObject([
      { line: 1, rule: 'phrase' },
    ])
    expect(findProblems('deploy/a.sql', '--   Runs once more.\n-- Runs once more.\n')).toMatchObject([
      { line: 2, rule: 'phrase' },
    ])
    expect(findProblems('docs/a.py', '# Reads the ledger.\n')).toMatchObject([
      { line: 1, rule: 'phrase', text: 'ledger' },
    ])
  })

  it('is found in a description in YAML, over two lines', () => {
    const text = 'paths:\n  description: >-\n    Loads the row once\n    more.\n  summary: What it loads.\n'
    expect(findProblems('docs/openapi.yaml', text)).toMatchObject([
      { line: 2, rule: 'phrase', text: 'once more' },
      { line: 5, rule: 'opener', text: 'What it loads.' },
    ])
  })

  it('is found in a text of Python', () => {
    const text = 'import sys\nprint("The row is loaded once more.", file=sys.stderr)\n'
    expect(findProblems('docs/verify.py', text)).toMatchObject([
      { line: 2, rule: 'phrase', text: 'once more' },
    ])
  })

  it.each([
    ['docs/a.md', 'The time is in `last_asked_at`.\n'],
    ['deploy/a.yml', 'expr: last_asked_at > 1\n'],
    ['docs/a.py', 'row["last_asked_at"]\n'],
  ])('is found in a name with an underscore in %s', (file, text) => {
    expect(findProblems(file, text)).toMatchObject([{ line: 1, rule: 'retired name', text: 'last_asked_at' }])
  })

  it('is found in Markdown, outside code', () => {
    const text =
      '# Title\n\n- Loads rows\n  at once.\n\n```sh\nload at once\n```\n\n| at once | `at once` |\n'
    expect(findProblems('docs/a.md', text)).toMatchObject([
      { line: 4, text: 'at once' },
      { line: 10, text: 'at once' },
    ])
  })

  it('is found in one cell of a table in Markdown, but not across cells', () => {
    const text = `| ${'word '.repeat(15)}| at | once: ${'word '.repeat(15)}|\n| a | What it loads. |\n`
    expect(findProblems('docs/a.md', text)).toMatchObject([{ line: 2, rule: 'opener' }])
  })

  it('has the line on which it begins', () => {
    const source =
      '/**\n * Loads rows.\n *\n * It reads them\n * from a file once\n * more.\n */\nconst row = 1\n\nconst lane = 1\n'
    expect(findProblems('src/row.ts', source).map(({ line, text }) => [line, text])).toEqual([
      [5, 'once more'],
      [10, 'lane'],
    ])
  })
})

describe('correct text', () => {
  it.each([
    ['25 words', `// ${'word '.repeat(25)}`],
    ['sentences of 25 words together', `// ${'Word '.repeat(20)}end. ${'Word '.repeat(20)}end.`],
    ['code in prose', '// Calls `look at once` and {@link whatever at once}.'],
    ['a demonstrative that begins a name', '// Loads rows. That row is the last.'],
    ['a fenced example', '/**\n * Loads rows:\n *\n * ```\n * load at once\n * ```\n */'],
    ['a question', '// What happens without a row?'],
    ['a demonstrative', '// The index is partial. That keeps it small.'],
    [
      'a word with another word in it',
      '// Passes the payload to the handheld; understands outstanding lookups.',
    ],
    ['the verb to pass', '// It passes the payload to the normalizer.'],
    [
      'a nightly run in a longer word',
      'const nightlyRun = 1; const heartbeat = 2; const password = 3; const task = 4',
    ],
    ['a name that a library chose', 'await Promise.allSettled([])'],
    ['a value of two words', "const label = 'once more'"],
    ['a query in a text', "db.query('select once, more from one that is in order')"],
    ['code in a text', 'console.log("Run `load at once` to load the row.")'],
    ['a directive', '// @ts-expect-error: what is tested'],
  ])('passes: %s', (_, source) => {
    expect(findProblems('src/row.ts', source)).toEqual([])
  })

  it.each([
    ['a text for people', "console.log('Look at this once more.')"],
    ['a quoted text in SQL', "sql`select 'a settled row'`"],
  ])('passes in a test, which can have any text: %s', (_, source) => {
    expect(findProblems('test/row.test.ts', source)).toEqual([])
  })

  it.each([
    ['the address of a link', 'docs/a.md', 'See [the page](told.md#what_is_asked).\n'],
    ['a value in YAML', 'deploy/a.yml', 'name: load the row once more\n'],
    ['a template in YAML', 'deploy/a.yml', 'summary: "{{ $labels.once }} more rows"\n'],
    ['code of Python', 'docs/a.py', 'look(at_once, more)\n'],
  ])('passes: %s', (_, file, text) => {
    expect(findProblems(file, text)).toEqual([])
  })
})

it('the lengths are those of full sentences, without headings and tables; code is one word', () => {
  const text =
    '# A heading of five words\n\nOne two three. Four [five six](a.md#seven) `eight nine`\nten.\n\n| a | cell of a table |\n'
  expect(sentenceLengths('docs/a.md', text)).toEqual([3, 5])
  expect(sentenceLengths('src/row.ts', '/** One two. */\nconst text = "One two three four."\n')).toEqual([
    2, 4,
  ])
})

describe('the command', () => {
  it('prints file, line, rule and replacement, and fails', () => {
    using folder = mkdtempDisposableSync(path.join(os.tmpdir(), 'words-'))
    execFileSync('git', ['init', '--quiet'], { cwd: folder.path })
    writeFileSync(path.join(folder.path, 'row.ts'), '// Loads.\n// Reads the ledger.\n')
    const { status, stdout } = run(folder.path, [])
    expect(stdout).toContain('row.ts:2: phrase: "ledger" (instead: tracked identifiers or queue)\n')
    expect(status).toBe(1)
  })

  it('succeeds without a problem', () => {
    expect(run(project, ['--count', 'scripts/words'])).toMatchObject({ status: 0 })
  })

  function run(cwd: string, args: readonly string[]) {
    return spawnSync(process.execPath, [path.join(project, 'scripts/check-words.ts'), ...args], {
      cwd,
      encoding: 'utf8',
    })
  }
})

it('the dictionary of the project is sorted and has no word twice', () => {
  const words = readFileSync(path.join(project, 'scripts/words/project-words.txt'), 'utf8').trim().split('\n')
  expect(words).toEqual(
    [...new Set(words)].toSorted((one, other) => (one.toLowerCase() < other.toLowerCase() ? -1 : 1)),
  )
})

it('the glossary has each term once', () => {
  const glossary = readFileSync(path.join(project, 'docs/glossary.md'), 'utf8')
  const terms = [...glossary.matchAll(/^\| ([^|]+) \|/gm)]
    .map(([, term]) => term as string)
    .filter((term) => term !== 'term' && term !== '---')
  expect(terms.length).toBeGreaterThan(50)
  expect(terms).toEqual([...new Set(terms)])
})
