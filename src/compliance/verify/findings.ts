/** One thing that is not as it was sealed. The keys are those of the JSON output. */
export interface Finding {
  /** Position in the chain of the run that it is about; null when it is about none that was sealed. */
  readonly chain_position: number | null
  /** `revision 12 of classification 7`, `run 0c1e…`, `note 7`. */
  readonly what: string
  readonly problem: string
}

/** What a check of the whole chain found. */
export interface ChainReport {
  readonly runs: number
  readonly revisions: number
  readonly notes: number
  /** Kept records whose digest was made anew, and those that have no record any more or one of an older definition. */
  readonly payloads_checked: number
  readonly payloads_not_checked: number
  /** Runs under way, or whose process died: what they saw is not sealed yet. */
  readonly open_runs: number
  /** Where in the chain the run stands whose head was given; null when none was, or no run has it. */
  readonly given_head_at: number | null
  /** Head of the newest link; null when nothing was sealed yet. */
  readonly chain_head: string | null
  readonly findings: readonly Finding[]
}

/** Something that is about no run, or about no place in the chain. */
export function finding(what: string, problem: string): Finding {
  return { chain_position: null, what, problem }
}
