import type { Leaf } from './leaf.ts'

const HASH_BYTES = 32

/** The leaves of a run's revisions, packed: there may be millions, of which each takes 48 bytes here. */
export class RevisionLeaves {
  readonly #ids: number[] = []
  readonly #numbers: number[] = []
  #hashes = Buffer.alloc(1024 * HASH_BYTES)

  get length(): number {
    return this.#ids.length
  }

  add(classificationId: number, revisionNo: number, hash: Buffer): void {
    const end = this.length * HASH_BYTES
    if (end === this.#hashes.length) this.#hashes = Buffer.concat([this.#hashes], 2 * end)
    hash.copy(this.#hashes, end)
    this.#ids.push(classificationId)
    this.#numbers.push(revisionNo)
  }

  at(leafNo: number): Leaf {
    const from = leafNo * HASH_BYTES
    return {
      classification_id: this.#ids[leafNo] as number,
      revision_no: this.#numbers[leafNo] as number,
      note_id: null,
      hash: this.#hashes.subarray(from, from + HASH_BYTES),
    }
  }
}
