/** Moves on when a verifier has to read it otherwise. */
export const BUNDLE_VERSION = 1

/** The first line of a bundle. */
export interface BundleHead {
  readonly bundle_version: number
  readonly generated_at: string
  readonly generated_by: string
  readonly data_digest: string
  /** The text whose hash is the digest: the RFC 8785 JSON of the report's data. */
  readonly data: string
}

/** A line for each run of the chain, in order, from the first to the one that the report is as of. */
export interface RunLine {
  readonly run: {
    readonly chain_position: number
    /** Hex. */
    readonly merkle_root: string
    readonly chain_head: string
    /** The text that was hashed: the RFC 8785 JSON of the run as it was sealed. */
    readonly row: string
  }
}

/** A line for each revision and note that the report rests on, after the line of its run. */
export interface LeafLine {
  readonly leaf: {
    readonly chain_position: number
    /** From 0, of `leaf_count`. */
    readonly leaf_no: number
    readonly leaf_count: number
    /** Hashes (hex) from the leaf up, as RFC 9162 has them. */
    readonly proof: readonly string[]
    /** The text that was hashed: the RFC 8785 JSON of the revision or the note as it was sealed. */
    readonly row: string
  }
}
