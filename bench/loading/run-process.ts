import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

/** Makes every Node process write the resources that it used to file descriptor 3 when it ends. */
const REPORT_USAGE = `data:text/javascript,${encodeURIComponent(
  "import fs from 'node:fs';process.on('exit',()=>fs.writeSync(3,JSON.stringify(process.resourceUsage())))",
)}`

export interface Ended {
  readonly stdout: string
  /** Peak of the resident memory. */
  readonly megabytes: number
  /** Processor time, of the user and the system. */
  readonly cpuSeconds: number
}

/**
 * Runs a Node process to its end.
 *
 * @throws Error with its standard error when it fails.
 */
export async function runProcess(
  command: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<Ended> {
  const child = spawn(command, args, {
    env: { ...process.env, NODE_OPTIONS: `--import=${REPORT_USAGE}`, ...environment },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  const [stdout, stderr, usage] = [collect(child, 1), collect(child, 2), collect(child, 3)]
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${stderr()}`)
  const { maxRSS, userCPUTime, systemCPUTime } = JSON.parse(usage()) as NodeJS.ResourceUsage
  return {
    stdout: stdout(),
    megabytes: Math.round(maxRSS / 1024),
    cpuSeconds: (userCPUTime + systemCPUTime) / 1e6,
  }
}

function collect(child: ChildProcess, descriptor: 1 | 2 | 3): () => string {
  let text = ''
  child.stdio[descriptor]?.on('data', (part) => {
    text += String(part)
  })
  return () => text
}
