/**
 * Checks words: comments, texts, docs and identifiers against scripts/words/words.yaml, links to the glossary, the length of
 * sentences, and the spelling of all text with cspell.
 *
 * `npm run words -- [--count | --figures | --fix] [path…]` checks all of PATHS unless paths are given. It exits 1 when it finds
 * a problem. With `--count` it prints the number of problems by folder and rule, with `--figures` the sentence lengths of the
 * pages, both without the spelling. With `--fix` it adds missing links to the glossary.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import {
  findPageProblems,
  findProblems,
  findUnused,
  type Problem,
  sentenceLengths,
} from './words/find-problems.ts'
import { linkTerms } from './words/link-terms.ts'
import { isReadable } from './words/read-source.ts'

const PATHS = [
  '.github',
  'src',
  'migrations',
  'test',
  'bench',
  'scripts',
  'bi/dashboard.ts',
  'deploy',
  'docs',
  'bi/README.md',
  'Dockerfile',
  'docker-compose.yml',
  ':(glob)*.ts',
  ':(glob)*.md',
]

const flag = { type: 'boolean', default: false } as const
const { values, positionals } = parseArgs({
  options: { count: flag, figures: flag, fix: flag },
  allowPositionals: true,
})
const isWhole = positionals.length === 0
const files = listFiles(isWhole ? PATHS : positionals)
const pages = files.filter((file) => file.endsWith('.md'))
if (values.fix) for (const page of pages) writeFileSync(page, linkTerms(page, readFileSync(page, 'utf8')))
const used = new Set<object>()
const problems = [
  ...files.filter(isReadable).flatMap((file) => findProblems(file, readFileSync(file, 'utf8'), used)),
  ...pages.flatMap((page) => findPageProblems(page, readFileSync(page, 'utf8'))),
]

if (values.figures) {
  console.table(Object.fromEntries(pages.map((page) => [page, figuresOf(page)])))
} else if (values.count) {
  console.table(countByFolder(problems))
} else {
  for (const { file, line, rule, text, instead } of problems) {
    console.log(`${file}:${line}: ${rule}: "${text}" (instead: ${instead})`)
  }
}
const unused = isWhole ? findUnused(used) : []
for (const { file, text } of unused)
  console.log(`scripts/words/allowed.yaml: no text needs "${text}" in ${file}`)
console.log(`${problems.length} problems in ${files.length} files.`)
const isSpelled = values.count || values.figures || checkSpelling(files)
process.exitCode = problems.length === 0 && unused.length === 0 && isSpelled ? 0 : 1

/** Files below the paths that git tracks or would track. */
function listFiles(paths: readonly string[]): string[] {
  const flags = ['ls-files', '--cached', '--others', '--exclude-standard', '-z', '--']
  return execFileSync('git', [...flags, ...paths], { encoding: 'utf8' })
    .split('\0')
    .filter((file) => file !== '' && existsSync(file))
}

/** The number of sentences of a page outside tables and code, and their lengths in words. */
function figuresOf(page: string) {
  const lengths = sentenceLengths(page, readFileSync(page, 'utf8'))
  const words = lengths.reduce((sum, length) => sum + length, 0)
  const mean = Number((words / Math.max(lengths.length, 1)).toFixed(1))
  return { sentences: lengths.length, mean, longest: Math.max(0, ...lengths) }
}

/** Problems by the first three folders of a path, and by rule. */
function countByFolder(found: readonly Problem[]): Record<string, Record<string, number>> {
  const folders = Map.groupBy(found, ({ file }) => path.dirname(file).split('/').slice(0, 3).join('/'))
  return Object.fromEntries(
    [...folders].map(([folder, list]) => [
      folder,
      Object.fromEntries(
        [...Map.groupBy(list, ({ rule }) => rule)].map(([rule, { length }]) => [rule, length]),
      ),
    ]),
  )
}

/** Prints misspelled words. npm puts cspell on the PATH. */
function checkSpelling(list: readonly string[]): boolean {
  const config = path.resolve(import.meta.dirname, '../cspell.config.yaml')
  const { error, status } = spawnSync(
    'cspell',
    ['lint', '--no-progress', '--no-must-find-files', '--config', config, '--file-list', 'stdin'],
    { input: list.join('\n'), stdio: ['pipe', 'inherit', 'inherit'] },
  )
  if (error) console.error('Could not check the spelling: cspell is not on the PATH. Use `npm run words`.')
  return status === 0
}
