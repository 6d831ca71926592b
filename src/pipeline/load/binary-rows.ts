import { type Table, type TypeName, typeOf } from '../../platform/postgres/table.ts'

/** Returns true when every column of a table has a binary form here; times have none. */
export function hasBinaryForm({ columns }: Table): boolean {
  return Object.values(columns).every((column) => Object.hasOwn(WRITE_CELL, typeOf(column)))
}

/**
 * Writes COPY's binary format, which saves both sides the conversion of numbers.
 *
 * @param table Its types decide the form of each cell: a number in the form of another type would be another number.
 */
export function binaryRows({ columns }: Table, rows: readonly object[]): Buffer {
  const cells = Object.entries(columns).map(
    ([name, column]) => [name, WRITE_CELL[typeOf(column) as BinaryType] as WriteCell] as const,
  )
  const to = new ByteWriter()
  to.append(HEADER)
  for (const row of rows as readonly Readonly<Record<string, unknown>>[]) {
    to.int16(cells.length)
    for (const [name, write] of cells) {
      const cell = row[name]
      if (cell === null) to.int32(NULL)
      else write(to, cell)
    }
  }
  to.int16(END)
  return to.bytes
}

type BinaryType = Exclude<TypeName, 'smallint' | 'timestamptz' | 'uuid' | 'bytea'>

/** The signature, no flags, no extension. */
const HEADER = Buffer.from('PGCOPY\n\u00FF\r\n\0\0\0\0\0\0\0\0\0', 'latin1')
const NULL = -1
const END = -1

type WriteCell = (to: ByteWriter, cell: unknown) => void

/** A cell is its size in bytes, then the bytes that the type's receive function reads. */
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
  text: writeText,
  'text[]': (to: ByteWriter, cell: readonly string[]) => {
    const at = to.beginSized()
    to.int32(cell.length === 0 ? 0 : 1)
    to.int32(WITHOUT_NULLS)
    to.int32(OID_OF_TEXT)
    if (cell.length > 0) {
      to.int32(cell.length)
      to.int32(FIRST_POSITION)
      for (const element of cell) writeText(to, element)
    }
    to.endSized(at)
  },
  json: (to: ByteWriter, cell: Buffer) => {
    to.int32(cell.length)
    to.append(cell)
  },
  jsonb: (to: ByteWriter, cell: string) => {
    const at = to.beginSized()
    to.byte(JSONB_VERSION)
    to.text(cell)
    to.endSized(at)
  },
} satisfies Record<BinaryType, unknown>

function writeText(to: ByteWriter, cell: string): void {
  const at = to.beginSized()
  to.text(cell)
  to.endSized(at)
}

const JSONB_VERSION = 1

/** Parts of a list: its dimensions, these two, then the length and first position of each dimension, and its elements. */
const WITHOUT_NULLS = 0
const OID_OF_TEXT = 25
const FIRST_POSITION = 1

const FIRST_BYTES = 16 * 1024

/** Texts up to this length are mostly names. Writing them byte by byte is faster than a call out of JavaScript. */
const SHORT = 32

/** Writes bytes in network order, as PostgreSQL's binary formats require, into a buffer that grows. */
class ByteWriter {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES)
  #view = viewOf(this.#bytes)
  #end = 0

  /** The bytes written so far. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#end)
  }

  append(bytes: Buffer): void {
    const at = this.#take(bytes.length)
    bytes.copy(this.#bytes, at)
  }

  byte(value: number): void {
    const at = this.#take(1)
    this.#view.setUint8(at, value)
  }

  int16(value: number): void {
    const at = this.#take(2)
    this.#view.setInt16(at, value)
  }

  int32(value: number): void {
    const at = this.#take(4)
    this.#view.setInt32(at, value)
  }

  /** @param value An integer that a double holds exactly. */
  int64(value: number): void {
    this.int32(Math.floor(value / 2 ** 32))
    this.int32(value | 0)
  }

  float64(value: number): void {
    const at = this.#take(8)
    this.#view.setFloat64(at, value)
  }

  /** UTF-8. */
  text(value: string): void {
    // A UTF-16 code unit needs at most three bytes.
    this.#reserve(value.length * 3)
    if (value.length <= SHORT && this.#ascii(value)) this.#end += value.length
    else this.#end += this.#bytes.write(value, this.#end)
  }

  /** Reserves room for a size, an int32; returns its position. */
  beginSized(): number {
    return this.#take(4)
  }

  /** Writes the size of everything written after `beginSized`. */
  endSized(at: number): void {
    this.#view.setInt32(at, this.#end - at - 4)
  }

  /** Writes a text without moving the end; false, with undefined bytes there, where it is not ASCII. */
  #ascii(value: string): boolean {
    for (let at = 0; at < value.length; at++) {
      const unit = value.charCodeAt(at)
      if (unit > 0x7f) return false
      this.#bytes[this.#end + at] = unit
    }
    return true
  }

  #take(size: number): number {
    this.#reserve(size)
    const at = this.#end
    this.#end += size
    return at
  }

  #reserve(size: number): void {
    if (this.#end + size <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#end + size))
    this.#bytes.copy(larger, 0, 0, this.#end)
    this.#bytes = larger
    this.#view = viewOf(larger)
  }
}

function viewOf({ buffer, byteOffset, length }: Buffer): DataView {
  return new DataView(buffer, byteOffset, length)
}
