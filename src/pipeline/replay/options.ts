import type { RunTools } from '../run/run.ts'

/** The parts that a replay works with. */
export type ReplayTools = Pick<RunTools, 'config' | 'db' | 'pool' | 'logger' | 'telemetry' | 'signer'>

export interface ReplayOptions {
  /** Only content that was first received at this time or later, ISO 8601; everything when null. */
  readonly since: string | null
  readonly signal: AbortSignal
}
