import { spawn, spawnSync } from 'node:child_process'
import { type CliResult, finish, type TestCli } from './test-cli.ts'

/** Runs a command on a terminal of its own, and types a text when the terminal shows another one. */
const ON_TERMINAL = `
import os, pty, sys
prompt, text = (argument.encode() for argument in sys.argv[1:3])
pid, terminal = pty.fork()
if pid == 0: os.execv(sys.argv[3], sys.argv[3:])
screen = b""
while True:
    try: shown = os.read(terminal, 65536)
    except OSError: break
    if not shown: break
    screen += shown
    if text and prompt in screen:
        os.write(terminal, text)
        text = b""
sys.stdout.buffer.write(screen)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))`

/** This machine can run a command on a terminal. */
export const hasTerminal =
  spawnSync('python3', ['-c', 'import os, pty; os.waitstatus_to_exitcode']).status === 0
if (!hasTerminal) console.warn('NOTICE: python3 is not here, so the tests on a terminal are skipped.')

/** Runs one command on a terminal, types `text` after `prompt`, and returns what the terminal shows. */
export async function runOnTerminal(
  cli: TestCli,
  args: readonly string[],
  options: { readonly environment: NodeJS.ProcessEnv; readonly prompt?: string; readonly text?: string },
): Promise<{ readonly code: CliResult['code']; readonly screen: string }> {
  const { environment, prompt = '', text = '' } = options
  const child = spawn('python3', ['-c', ON_TERMINAL, prompt, text, cli.command, ...args], {
    cwd: cli.folder,
    env: { ...cli.environment, TERM: 'xterm', ...environment },
    timeout: 30_000,
  })
  const { code, stdout } = await finish(child)
  return { code, screen: stdout.replaceAll('\r\n', '\n') }
}
