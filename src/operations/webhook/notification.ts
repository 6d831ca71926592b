import { z } from 'zod'
import { FORCE_CAUSES } from '../../platform/postgres/tables/history.ts'

const text = z.string().nullable()
const time = z.string().describe('UTC, ISO 8601 with six digits of a second.')

/** The part that both kinds have. */
const common = {
  media: z.string().describe('Medium, for example audio.'),
  identifier: z.string().describe('Names one submission.'),
  run_id: z.string().describe('The run that observed it.'),
  chain_position: z.int().describe('Position of that run in the hash chain.'),
}

const forceEvent = z
  .strictObject({
    type: z.literal('force.observed'),
    timestamp: time,
    data: z.strictObject({
      ...common,
      classification_id: z.int(),
      revision_no: z.int().describe('The content with the new label, in classification_history.'),
      event: z.enum(FORCE_CAUSES),
      forced_from: text.describe('The forced label before. Null: not forced before.'),
      forced_to: text.describe('The forced label after. Null: no longer forced.'),
      not_before: time.nullable().describe('The change happened then or later. Null: at any earlier time.'),
      not_after: time.describe('The change happened then or earlier.'),
      machine_classification: text.describe("The machine's label. Null: no verdict."),
      machine_confidence: z.number().nullable(),
      file_hash: text.describe('SHA-256 of the audio file. Null: not returned.'),
    }),
  })
  .describe('A forced label changed.')

const quarantinedRecord = z
  .strictObject({
    type: z.literal('record.quarantined'),
    timestamp: time,
    data: z.strictObject({
      ...common,
      quarantine_id: z.int(),
      reason: z.string().describe('invalid_payload or unstorable.'),
      received_at: time.describe('Time at which the record was received.'),
    }),
  })
  .describe('A record does not fit the contract, and was not loaded.')

/** The body of a notification. It has no personal values. */
export const notificationSchema = z.discriminatedUnion('type', [forceEvent, quarantinedRecord])

type Notification = z.infer<typeof notificationSchema>

/** The place of a notification in the order of the chain. */
export interface Position {
  readonly chain_position: number
  readonly classification_id: number
  readonly revision_no: number
  readonly quarantine_id: number
}

/** A notification with its place, and an id that is the same at each delivery. */
export interface Placed {
  readonly id: string
  readonly position: Position
  readonly notification: Notification
}
