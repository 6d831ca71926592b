import type { Difference } from './differences.ts'
import type { Replayed } from './replay-page.ts'

/** The keys are those of the JSON output. */
export type Survey = SurveyCount['survey']

/** Samples of one column, so that the output does not show the same change ten times. */
const SAMPLES_OF_A_COLUMN = 3

/** Adds up the findings of a replay, page by page. */
export class SurveyCount {
  readonly #kinds = { same: 0, changed: 0, rejected: 0, without_payload: 0 }
  readonly #columns = new Map<string, number>()
  readonly #samples: (Difference & Pick<Replayed, 'identifier'>)[] = []
  #quarantined = 0
  #fitting = 0

  add(replayed: readonly Replayed[]): void {
    for (const one of replayed) {
      this.#kinds[one.kind]++
      if (one.kind === 'changed') this.#addDifferences(one.identifier, one.differences)
    }
  }

  addQuarantined(fits: boolean): void {
    this.#quarantined++
    if (fits) this.#fitting++
  }

  /** The findings so far. */
  get survey() {
    const { same, changed, rejected, without_payload } = this.#kinds
    return {
      /** Classifications whose payload was normalized again. */
      examined: same + changed + rejected + without_payload,
      unchanged: same,
      changed,
      /** Payloads that break the current contract; their rows stay. */
      rejected,
      /** Classifications whose payload was pruned. */
      without_payload,
      /** Classifications that change in a column, or in a table where rows are added or removed; most first. */
      columns: [...this.#columns]
        .map(([column, classifications]) => ({ column, classifications }))
        .toSorted((a, b) => b.classifications - a.classifications || (a.column < b.column ? -1 : 1)),
      samples: this.#samples,
      /** Identifiers quarantined for their records, and those of them whose records all fit the current contract. */
      quarantined: this.#quarantined,
      quarantined_fitting: this.#fitting,
    }
  }

  #addDifferences(identifier: string, found: readonly Difference[]): void {
    for (const [column, [first]] of Map.groupBy(found, (difference) => difference.column)) {
      const before = this.#columns.get(column) ?? 0
      this.#columns.set(column, before + 1)
      if (before < SAMPLES_OF_A_COLUMN && first) this.#samples.push({ identifier, ...first })
    }
  }
}
