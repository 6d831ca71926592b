/** Append-only: the leaves of the Merkle tree of each sealed run. */
export interface ChainLeavesTable {
  chain_position: number
  leaf_no: number
  classification_id: number | null
  revision_no: number | null
  note_id: number | null
  leaf_hash: string
}
