import type { Json } from '../../platform/json.ts'
import type { Difference } from './differences.ts'
import type { Replayed } from './replay-page.ts'

/** The findings of a replay. The keys are those of the JSON output. */
export interface Survey {
  /** Classifications whose payload was normalized again. */
  readonly examined: number
  readonly unchanged: number
  readonly changed: number
  /** Payloads that break the current contract; their rows stay. */
  readonly rejected: number
  /** Classifications whose payload was pruned. */
  readonly without_payload: number
  /** Classifications that change in a column, or in a table where rows are added or removed; most first. */
  readonly columns: readonly { readonly column: string; readonly classifications: number }[]
  readonly samples: readonly Sample[]
  /** Identifiers quarantined for their records, and those of them whose records all fit the current contract. */
  readonly quarantined: number
  readonly quarantined_fitting: number
}

interface Sample {
  readonly identifier: string
  readonly column: string
  readonly row: number | null
  readonly before: Json
  readonly after: Json
}

/** Samples of one column, so that the output does not show the same change ten times. */
const SAMPLES_OF_A_COLUMN = 3

/** Adds up the findings of a replay, page by page. */
export class SurveyCount {
  readonly #kinds = { same: 0, changed: 0, rejected: 0, without_payload: 0 }
  readonly #columns = new Map<string, number>()
  readonly #samples: Sample[] = []
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

  get survey(): Survey {
    const { same, changed, rejected, without_payload } = this.#kinds
    return {
      examined: same + changed + rejected + without_payload,
      unchanged: same,
      changed,
      rejected,
      without_payload,
      columns: [...this.#columns]
        .map(([column, classifications]) => ({ column, classifications }))
        .toSorted((a, b) => b.classifications - a.classifications || (a.column < b.column ? -1 : 1)),
      samples: this.#samples,
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
