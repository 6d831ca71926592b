import { spawn, spawnSync } from 'node:child_process'
import { type CliResult, finish, type TestCli } from './test-cli.ts'

/** Runs a command on a terminal of its own, and types each text when the terminal shows the next prompt. */
const ON_TERMINAL = `
import json, os, pty, sys
steps = [[part.encode() for part in step] for step in json.loads(sys.argv[1])]
pid, terminal = pty.fork()
if pid == 0: os.execvp(sys.argv[2], sys.argv[2:])
screen, seen = b"", 0
while True:
    try: shown = os.read(terminal, 65536)
    except OSError: break
    if not shown: break
    screen += shown
    while steps and steps[0][0] in screen[seen:]:
        prompt, text = steps.pop(0)
        seen = screen.index(prompt, seen) + len(prompt)
        os.write(terminal, text)
sys.stdout.buffer.write(screen)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))`

/** This machine can run a command on a terminal. */
export const hasTerminal =
  spawnSync('python3', ['-c', 'import os, pty; os.waitstatus_to_exitcode']).status === 0
if (!hasTerminal) console.warn('NOTICE: python3 is not here, so the tests on a terminal are skipped.')

/** Runs a command on a terminal, types the text of each step after its prompt, and returns what the terminal shows. */
export async function runOnTerminal(
  command: readonly string[],
  options: {
    readonly cli: TestCli
    readonly environment: NodeJS.ProcessEnv
    readonly steps?: readonly (readonly [prompt: string, text: string])[]
  },
): Promise<{ readonly code: CliResult['code']; readonly screen: string }> {
  const { cli, environment, steps = [] } = options
  const child = spawn('python3', ['-c', ON_TERMINAL, JSON.stringify(steps), ...command], {
    cwd: cli.folder,
    env: { ...cli.environment, TERM: 'xterm', ...environment },
    timeout: 20_000,
  })
  const { code, stdout } = await finish(child)
  return { code, screen: stdout.replaceAll('\r\n', '\n') }
}
