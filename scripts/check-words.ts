/**
 * Checks the words of comments, test names and identifiers against scripts/words/words.yaml.
 *
 * `check-words.ts [--count] [path…]` checks all of PATHS unless paths are given, and exits 1 when it finds a problem.
 * With `--count` it prints the number of problems by folder and rule instead of the problems.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { findProblems, findUnused, type Problem } from './words/find-problems.ts'
import { isReadable } from './words/read-source.ts'

const PATHS = [
  'src',
  'migrations',
  'test',
  'bench',
  'scripts',
  'bi/dashboard.ts',
  'deploy',
  'Dockerfile',
  '*.ts',
]

const { values, positionals } = parseArgs({ options: { count: { type: 'boolean' } }, allowPositionals: true })
const listed = ['ls-files', '--cached', '--others', '--exclude-standard', '-z', '--']
const isWhole = positionals.length === 0
const files = execFileSync('git', [...listed, ...(isWhole ? PATHS : positionals)], { encoding: 'utf8' })
  .split('\0')
  .filter((file) => isReadable(file) && existsSync(file))
const used = new Set<object>()
const problems = files.flatMap((file) => findProblems(file, readFileSync(file, 'utf8'), used))

if (values.count === true) {
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
process.exitCode = problems.length + unused.length > 0 ? 1 : 0

/** Problems by the first three folders of a path, and by rule. */
function countByFolder(found: readonly Problem[]): Record<string, Record<string, number>> {
  const folders = Map.groupBy(found, ({ file }) => file.split('/').slice(0, -1).slice(0, 3).join('/') || '.')
  return Object.fromEntries(
    [...folders].map(([folder, list]) => [
      folder,
      Object.fromEntries(
        [...Map.groupBy(list, ({ rule }) => rule)].map(([rule, { length }]) => [rule, length]),
      ),
    ]),
  )
}
