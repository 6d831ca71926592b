import type { AddressInfo } from 'node:net'
import { createSimulator, type Simulator, type SimulatorOptions } from './simulator.ts'

export interface RunningSimulator extends Simulator, AsyncDisposable {
  /** Where it listens, without a path. */
  readonly origin: string
  /** Base URL of the API, as IDENTIFAI_API_URL takes it. */
  readonly apiUrl: string
}

/** Starts the stand-in API on loopback; port 0 takes a free one. */
export async function startSimulator(
  options: SimulatorOptions & { readonly port?: number },
): Promise<RunningSimulator> {
  const simulator = createSimulator(options)
  await simulator.app.listen({ host: '127.0.0.1', port: options.port ?? 0 })
  const { port } = simulator.app.server.address() as AddressInfo
  const origin = `http://127.0.0.1:${port}`
  return {
    ...simulator,
    origin,
    apiUrl: `${origin}/api`,
    [Symbol.asyncDispose]: () => simulator.app.close(),
  }
}
