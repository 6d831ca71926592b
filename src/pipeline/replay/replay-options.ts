import type { RunTools } from '../run/run.ts'

/** What a replay works with. */
export type ReplayTools = Pick<RunTools, 'config' | 'db' | 'pool' | 'logger' | 'endpoint' | 'telemetry'>

export interface ReplayOptions {
  /** Only what was first received at this time or later, ISO 8601; everything when null. */
  readonly since: string | null
  readonly signal: AbortSignal
}
