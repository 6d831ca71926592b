import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { copyNode, copyProductionPackages } from './production-install.ts'

const project = path.resolve(import.meta.dirname, '../..')

/** The image of the Dockerfile, as a folder with its files. Disposal removes the folder. */
export interface Image extends Disposable {
  readonly environment: Readonly<Record<string, string>>
  readonly labels: Readonly<Record<string, string>>
  /** Starts a container: the entrypoint with these arguments or the default ones, as the user of the image. */
  start(args?: readonly string[], environment?: Readonly<Record<string, string>>): ChildProcess
  /** Starts the health check in such a container. */
  checkHealth(environment?: Readonly<Record<string, string>>): ChildProcess
}

/** One stage: its folder and what its instructions have set. */
interface Stage {
  readonly root: string
  workdir: string
  user: string
  readonly environment: Record<string, string>
  readonly labels: Record<string, string>
  readonly commands: Partial<Record<'ENTRYPOINT' | 'CMD' | 'HEALTHCHECK', readonly string[]>>
}

/**
 * Follows the Dockerfile without Docker. `npm ci` copies from the checkout, Node is that of the tests, and tsc checks no types,
 * which is a check of its own.
 */
export function buildImage(): Image {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'identifai-image-'))
  chmodSync(folder, 0o755)
  const stages = new Map<string, Stage>()
  let stage: Stage | undefined
  for (const [, instruction = '', rest = ''] of readFileSync(
    path.join(project, 'Dockerfile'),
    'utf8',
  ).matchAll(/^([A-Z]+) (.+)$/gm)) {
    if (instruction === 'FROM') {
      const name = / AS (\w+)$/.exec(rest)?.[1] ?? 'final'
      stage = {
        root: path.join(folder, name),
        workdir: '/',
        user: '0:0',
        environment: {},
        labels: {},
        commands: {},
      }
      stages.set(name, stage)
      mkdirSync(path.join(stage.root, 'bin'), { recursive: true })
    } else if (stage) {
      follow(instruction, rest, stage, stages)
    }
  }
  const final = stages.get('final') as Stage
  const bin = path.join(final.root, 'bin')
  copyNode(bin)
  // Compiles modules once for all containers, of any user.
  const compiled = path.join(folder, 'compiled')
  mkdirSync(compiled)
  chmodSync(compiled, 0o1777)
  const run = (command: readonly string[], environment: Readonly<Record<string, string>> = {}) => {
    const [program = '', ...args] = command.map((word) =>
      word.startsWith('/app') ? final.root + word : word,
    )
    if (program !== 'node') throw new Error(`The image needs more than Node: ${program}`)
    const [uid, gid] = final.user.split(':').map(Number)
    return spawn(path.join(bin, program), args, {
      cwd: final.root + final.workdir,
      env: { NODE_COMPILE_CACHE: compiled, ...final.environment, ...environment },
      stdio: 'pipe',
      ...(process.getuid?.() === 0 && { uid, gid }),
    })
  }
  const { ENTRYPOINT = [], CMD = [], HEALTHCHECK = [] } = final.commands
  return {
    environment: final.environment,
    labels: final.labels,
    start: (args = CMD, environment) => run([...ENTRYPOINT, ...args], environment),
    checkHealth: (environment) => run(HEALTHCHECK, environment),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  }
}

function follow(instruction: string, rest: string, stage: Stage, stages: ReadonlyMap<string, Stage>): void {
  const inside = (place: string) => stage.root + path.resolve(stage.workdir, place)
  switch (instruction) {
    case 'WORKDIR':
      stage.workdir = rest
      mkdirSync(inside('.'), { recursive: true })
      break
    case 'COPY': {
      const words = rest.split(' ')
      const from = words[0]?.startsWith('--from=') ? words.shift()?.slice('--from='.length) : undefined
      const target = words.pop() ?? ''
      for (const source of words) {
        if (!from && !CONTEXT.includes(source)) throw new Error(`.dockerignore excludes ${source}`)
        const origin = from ? `${stages.get(from)?.root}${source}` : path.join(project, source)
        execFileSync('cp', ['-R', origin, inside(target)])
      }
      break
    }
    case 'RUN':
      if (!rest.startsWith('npm ci')) {
        const PATH = `${path.dirname(process.execPath)}:${process.env.PATH}`
        const command = rest.replace(/\btsc\b/, '$& --noCheck')
        execFileSync('sh', ['-c', command], { cwd: inside('.'), env: { ...process.env, PATH } })
      } else if (rest.includes('--omit=dev')) copyProductionPackages(inside('.'))
      else symlinkSync(path.join(project, 'node_modules'), inside('node_modules'))
      break
    case 'ENV':
      Object.assign(stage.environment, Object.fromEntries(rest.split(' ').map((pair) => pair.split('=', 2))))
      break
    case 'LABEL': {
      const [, name = '', value = ''] = /^(\S+?)=(.*)$/.exec(rest) ?? []
      stage.labels[name] = JSON.parse(value) as string
      break
    }
    case 'USER':
      stage.user = rest
      break
    case 'ENTRYPOINT':
    case 'CMD':
    case 'HEALTHCHECK':
      stage.commands[instruction] = JSON.parse(rest.slice(rest.indexOf('['))) as string[]
      break
  }
}

/** The files that .dockerignore does not exclude. */
const CONTEXT = readFileSync(path.join(project, '.dockerignore'), 'utf8')
  .split('\n')
  .flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []))
