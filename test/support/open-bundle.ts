import { canonicalJson } from '../../src/platform/canonical-json.ts'

// oxlint-disable-next-line typescript/no-explicit-any -- lines are whatever a test makes of them
export type Line = any

/** The lines, with the texts that were hashed parsed to values. */
export function opened(lines: readonly string[]): Line[] {
  return lines.map((text) => {
    const line = JSON.parse(text)
    if (line.data) line.data = JSON.parse(line.data)
    const part = line.run ?? line.leaf
    if (part) part.row = JSON.parse(part.row)
    return line
  })
}

/** The reverse. */
export function closed(lines: readonly Line[]): string[] {
  return lines.map((line) => {
    const copy = structuredClone(line)
    if (copy?.data) copy.data = canonicalJson(copy.data)
    const part = copy?.run ?? copy?.leaf
    if (part?.row) part.row = canonicalJson(part.row)
    return `${JSON.stringify(copy)}\n`
  })
}

/** The column that only leaves of this kind have. */
export type LeafKind = 'revision_no' | 'note_id'

export const isLeaf = (kind: LeafKind) => (line: Line) => line.leaf?.row[kind] !== undefined

/** The first leaf of a kind. */
export const leafOf = (lines: Line[], kind: LeafKind) => lines.find(isLeaf(kind)).leaf

export const runOf = (lines: Line[], position: number) =>
  lines.find(({ run }) => run?.chain_position === position).run
