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

/**
 * Compares the personal values beside a report with the commitments in its data. They have the order of the events, so that
 * none is there twice, and the events without values are those that were redacted.
 */
export function verifyPersonalValues(
  events: readonly ForceEvent[],
  values: readonly EventValues[],
): Finding[] {
  const commitments = new Map(events.map((event) => [nameOf(event), event.personal_commitment]))
  const positions = new Map(events.map((event, position) => [nameOf(event), position]))
  const isInOrder = (name: string, index: number) => {
    const former = values[index - 1]
    return former === undefined || Number(positions.get(nameOf(former))) < Number(positions.get(name))
  }
  return values.flatMap((value, index) => {
    const name = nameOf(value)
    const what = `personal values of ${name}`
    if (personalCommitment(value.salt, value) !== commitments.get(name))
      return [finding(what, 'do not match the commitment of an event, because one of the two was altered')]
    return isInOrder(name, index) ? [] : [finding(what, 'are there twice, or not in the order of the events')]
  })
}

function nameOf({ classification_id, revision_no }: Key): string {
  return revisionName(classification_id, revision_no)
}
