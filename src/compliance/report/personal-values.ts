import { revisionName } from '../../pipeline/seal/leaf.ts'
import { personalCommitment } from '../../pipeline/seal/commitment.ts'
import { type Finding, finding } from '../verify/findings.ts'
import type { EventValues, ForceEvent, Report } from './schema.ts'

type Key = Pick<ForceEvent, 'classification_id' | 'revision_no'>

/** Returns a lookup of the personal values of an event, which is undefined where they were removed. */
export function personalValuesOf({
  personal_values,
}: Pick<Report, 'personal_values'>): (event: Key) => EventValues | undefined {
  const values = new Map(personal_values.map((value) => [nameOf(value), value]))
  return (event) => values.get(nameOf(event))
}

/** Compares the personal values beside a report with the commitments in its data. */
export function verifyPersonalValues(
  events: readonly ForceEvent[],
  values: readonly EventValues[],
): Finding[] {
  const commitments = new Map(events.map((event) => [nameOf(event), event.personal_commitment]))
  return values
    .filter((value) => personalCommitment(value.salt, value) !== commitments.get(nameOf(value)))
    .map((value) =>
      finding(
        `personal values of ${nameOf(value)}`,
        'do not match the commitment of an event, because one of the two was altered',
      ),
    )
}

function nameOf({ classification_id, revision_no }: Key): string {
  return revisionName(classification_id, revision_no)
}
