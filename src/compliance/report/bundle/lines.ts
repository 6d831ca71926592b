import { z } from 'zod'
import { noteName, revisionName } from '../../../pipeline/seal/leaf.ts'
import { isJsonObject, type JsonObject } from '../../../platform/json.ts'
import { hash, personalValues } from '../schema.ts'

/** Rises when a verifier has to read a bundle in another way. */
export const BUNDLE_VERSION = 1

const hashedText = z.string().describe('The text that was hashed: RFC 8785 JSON of the row as it was sealed.')

/** The first line of a bundle. */
export const headLine = z.strictObject({
  bundle_version: z.literal(BUNDLE_VERSION),
  generated_at: z.string(),
  generated_by: z.string(),
  data_digest: hash,
  data: z.string().describe("The text whose hash is the digest: RFC 8785 JSON of the report's data."),
  personal_values: z.array(personalValues).readonly(),
  checkpoint: z
    .string()
    .describe(
      'The head of the chain at the as-of, as a C2SP tlog-checkpoint, signed where a key was configured.',
    ),
})

const proof = z.array(hash).describe('Hashes from the leaf up to the root, as in RFC 9162, section 2.1.3.')

/** A line for each run whose row the report needs, in the order of the chain. The last one is the run of the as-of. */
export const runLine = z.strictObject({
  run: z.strictObject({
    chain_position: z.int().describe('Number of the leaf in the chain, from 1.'),
    proof,
    row: hashedText,
  }),
})

/** A line for each revision and each note that the report rests on, after the line of its run. */
export const leafLine = z.strictObject({
  leaf: z.strictObject({
    chain_position: z.int(),
    leaf_no: z.int().describe('From 0, of the leaf_count of the run.'),
    proof,
    row: hashedText,
  }),
})

/** A line for each chain head that was kept elsewhere, earlier or later than that of the report. */
export const keptLine = z.strictObject({
  kept: z.strictObject({
    chain_position: z.int(),
    chain_head: hash,
    proof: z
      .array(hash)
      .describe(
        'Proof that the larger chain begins with the runs of the other, as in RFC 9162, section 2.1.4.',
      ),
  }),
})

export type HeadLine = Readonly<z.output<typeof headLine>>
export type RunLine = Readonly<z.output<typeof runLine>>
export type LeafLine = Readonly<z.output<typeof leafLine>>
export type KeptLine = Readonly<z.output<typeof keptLine>>

/** Name of a sealed row, as its leaf has it. */
export function rowName({ note_id, classification_id, revision_no }: JsonObject): string {
  if (typeof note_id === 'number') return noteName(note_id)
  return revisionName(Number(classification_id), Number(revision_no))
}

/** The JSON object that a text is; undefined when it is none. */
export function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isJsonObject(value) ? value : undefined
  } catch {
    return undefined
  }
}
