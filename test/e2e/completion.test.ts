import { execFileSync, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestCli, type TestCli } from '../support/test-cli.ts'

let cli: TestCli
beforeAll(async () => {
  cli = createTestCli()
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { stdout } = await cli.call(['completion', shell])
    writeFileSync(path.join(cli.folder, `completion.${shell}`), stdout)
  }
})
afterAll(() => cli[Symbol.dispose]())

function has(shell: string): boolean {
  const isHere = spawnSync(shell, ['-c', 'true']).status === 0
  if (!isHere) console.warn(`NOT CHECKED: the completion of ${shell}, because it is not on this machine.`)
  return isHere
}

/** The words that come first on the line, and the completions of the last one. */
const LINES: readonly (readonly [words: string, completions: readonly string[]])[] = [
  ['identifai-sync rec', ['reconcile']],
  ['identifai-sync report f', ['forced']],
  ['identifai-sync report forced --fo', ['--format']],
  ['identifai-sync report forced --format h', ['html']],
  ['identifai-sync migrate d', ['down']],
  ['identifai-sync requeue --state ', ['missing', 'quarantined']],
  ['identifai-sync sync --refresh', ['--refresh-all']],
  ['identifai-sync status --color a', ['always', 'auto']],
]

describe.skipIf(!has('bash'))('bash', () => {
  it.each(LINES)('completes %j', (line, expected) => {
    const script = `. completion.bash
      COMP_WORDS=(${line.replace(/ $/, " ''")}) COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
      _identifai_sync; printf '%s\\n' "\${COMPREPLY[@]}"`
    const output = execFileSync('bash', ['-c', script], { cwd: cli.folder, encoding: 'utf8' })
    expect(output.trim().split('\n').toSorted()).toEqual(expected)
  })

  it('completes the names of files where it knows no word', () => {
    const script = `. completion.bash
      COMP_WORDS=(identifai-sync enqueue --file '') COMP_CWORD=3
      _identifai_sync; echo "\${#COMPREPLY[@]}"; complete -p identifai-sync`
    expect(execFileSync('bash', ['-c', script], { cwd: cli.folder, encoding: 'utf8' })).toBe(
      '0\ncomplete -o default -F _identifai_sync identifai-sync\n',
    )
  })
})

describe.skipIf(!has('fish'))('fish', () => {
  it.each(LINES)('completes %j', (line, expected) => {
    const script = `source completion.fish; complete -C '${line}'`
    const output = execFileSync('fish', ['--no-config', '-c', script], { cwd: cli.folder, encoding: 'utf8' })
    const completions = output.trim().split('\n')
    expect(completions.map((completion) => completion.replace(/\t.*/, '')).toSorted()).toEqual(expected)
  })
})

describe.skipIf(!has('zsh'))('zsh', () => {
  // zsh itself selects those of the candidates that begin with the word on the line.
  it.each(LINES)('has the candidates for %j', (line, expected) => {
    const script = `source completion.zsh
      setopt ksharrays shwordsplit
      COMP_WORDS=(${line.replace(/ $/, " ''")}) COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 ))
      _identifai_sync; printf '%s\\n' "\${COMPREPLY[@]}"`
    const output = execFileSync('zsh', ['-f', '-c', script], { cwd: cli.folder, encoding: 'utf8' })
    expect(output.trim().split('\n')).toEqual(expect.arrayContaining([...expected]))
  })
})
