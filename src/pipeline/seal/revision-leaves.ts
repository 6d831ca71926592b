import type { Leaf } from './leaf.ts'

const HASH_BYTES = 32
const PAGE = 4096

/** The leaves of a run's revisions, packed: there may be millions, of which each takes 44 bytes here. */
export class RevisionLeaves {
  length = 0
  readonly #pages: Page[] = []

  add(classificationId: number, revisionNo: number, hash: Buffer): void {
    const [pageNo, place] = placeOf(this.length)
    const page = (this.#pages[pageNo] ??= emptyPage())
    page.ids[place] = classificationId
    page.numbers[place] = revisionNo
    hash.copy(page.hashes, place * HASH_BYTES)
    this.length++
  }

  at(leafNo: number): Leaf {
    const [pageNo, place] = placeOf(leafNo)
    const { ids, numbers, hashes } = this.#pages[pageNo] as Page
    return {
      classification_id: ids[place] as number,
      revision_no: numbers[place] as number,
      note_id: null,
      hash: hashes.subarray(place * HASH_BYTES, (place + 1) * HASH_BYTES),
    }
  }
}

interface Page {
  readonly ids: Float64Array
  readonly numbers: Int32Array
  readonly hashes: Buffer
}

function emptyPage(): Page {
  return {
    ids: new Float64Array(PAGE),
    numbers: new Int32Array(PAGE),
    hashes: Buffer.alloc(PAGE * HASH_BYTES),
  }
}

function placeOf(leafNo: number): [pageNo: number, place: number] {
  return [Math.floor(leafNo / PAGE), leafNo % PAGE]
}
