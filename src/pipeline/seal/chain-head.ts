import { createHash } from 'node:crypto'
import { canonicalJson } from '../../platform/canonical-json.ts'
import type { JsonObject } from '../../platform/json.ts'

/** The head before the first run. */
export const GENESIS = Buffer.alloc(32)

/** The facts of a sealed run from which the next one follows. */
export interface Link {
  /** From 1; 0 before the first. */
  readonly position: number
  readonly head: Buffer
  /** Highest note_id that it or an earlier one sealed. */
  readonly notesThrough: number
}

/**
 * Head of the chain after a run: SHA-256 over the former head, the root of the run's tree, and the sealed row of the run.
 * A head that is kept elsewhere proves later whether anything before it was changed.
 */
export function chainHead(former: Buffer, merkleRoot: Buffer, sealedRow: JsonObject): Buffer {
  return headAfter(former, merkleRoot, canonicalJson(sealedRow))
}

/** The same, from the RFC 8785 JSON of the row. */
export function headAfter(former: Buffer, merkleRoot: Buffer, sealedText: string): Buffer {
  return createHash('sha256').update(former).update(merkleRoot).update(sealedText).digest()
}
