import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'

export interface PayloadServer extends Disposable {
  readonly url: string
}

/** Starts the API with prepared bodies, in a process of its own. */
export async function startPayloadServer(clips: number, edition = 0): Promise<PayloadServer> {
  const script = path.join(import.meta.dirname, 'serve.ts')
  const child = spawn(process.execPath, [script, String(clips), String(edition)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = await once(child.stdout, 'data')
  return { url: String(line).trim(), [Symbol.dispose]: () => child.kill() }
}
