import { ByteWriter } from './byte-writer.ts'

/** The types whose binary form is written here. */
type BinaryType = keyof typeof WRITE_CELL

/** The columns to write, each with its type in the database. A number in a wrong one would be another number. */
export type BinaryColumns<Row> = { readonly [Column in keyof Row]-?: TypeOf<NonNullable<Row[Column]>> }

type TypeOf<Cell> = Cell extends number
  ? 'bigint' | 'integer' | 'double precision'
  : Cell extends boolean
    ? 'boolean'
    : 'text' | 'jsonb'

/** COPY's binary format, which spares both sides the writing and reading of numbers. */
export function binaryRows<Row extends object>(columns: BinaryColumns<Row>, rows: readonly Row[]): Buffer {
  const cells = Object.entries<BinaryType>(columns).map(
    ([column, type]) => [column as keyof Row, WRITE_CELL[type] as WriteCell] as const,
  )
  const to = new ByteWriter()
  to.append(HEADER)
  for (const row of rows) {
    to.int16(cells.length)
    for (const [column, write] of cells) {
      const cell = row[column]
      if (cell === null) to.int32(NULL)
      else write(to, cell)
    }
  }
  to.int16(END)
  return to.bytes
}

/** The signature, no flags, no extension. */
const HEADER = Buffer.from('PGCOPY\n\u00FF\r\n\0\0\0\0\0\0\0\0\0', 'latin1')
const NULL = -1
const END = -1

type WriteCell = (to: ByteWriter, cell: unknown) => void

/** A cell is its size in bytes and what the type's receive function takes. */
const WRITE_CELL = {
  bigint: (to: ByteWriter, cell: number) => {
    to.int32(8)
    to.int64(cell)
  },
  integer: (to: ByteWriter, cell: number) => {
    to.int32(4)
    to.int32(cell)
  },
  'double precision': (to: ByteWriter, cell: number) => {
    to.int32(8)
    to.float64(cell)
  },
  boolean: (to: ByteWriter, cell: boolean) => {
    to.int32(1)
    to.byte(cell ? 1 : 0)
  },
  text: (to: ByteWriter, cell: string) => {
    const at = to.beginSized()
    to.text(cell)
    to.endSized(at)
  },
  jsonb: (to: ByteWriter, cell: string) => {
    const at = to.beginSized()
    to.byte(JSONB_VERSION)
    to.text(cell)
    to.endSized(at)
  },
}

const JSONB_VERSION = 1
