import { createHash } from 'node:crypto'
import { canonicalJson } from '../../platform/canonical-json.ts'
import type { JsonObject } from '../../platform/json.ts'

/** What stands before the first run. */
export const GENESIS = Buffer.alloc(32)

/** A sealed run, as far as the next one follows from it. */
export interface Link {
  /** From 1; 0 before the first. */
  readonly position: number
  readonly head: Buffer
  /** Highest note_id that it or an earlier one sealed. */
  readonly notesThrough: number
}

/**
 * Head of the chain after a run: SHA-256 over the former head, the root of the run's tree, and the run's row as it was
 * sealed. Whoever keeps a head elsewhere can tell later whether anything before it was changed.
 */
export function chainHead(former: Buffer, merkleRoot: Buffer, sealedRow: JsonObject): Buffer {
  return headAfter(former, merkleRoot, canonicalJson(sealedRow))
}

/** The same, from the text that stands for the row. */
export function headAfter(former: Buffer, merkleRoot: Buffer, sealedText: string): Buffer {
  return createHash('sha256').update(former).update(merkleRoot).update(sealedText).digest()
}
