const FIRST_BYTES = 16 * 1024

/** Texts up to this length are mostly names, which are written faster byte by byte than by a call out of JavaScript. */
const SHORT = 32

/** Bytes in network order, as PostgreSQL's binary forms are made of, in a buffer that grows. */
export class ByteWriter {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES)
  #view = viewOf(this.#bytes)
  #end = 0

  /** What has been written so far. */
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
    // No unit of UTF-16 takes more than three bytes.
    this.#reserve(value.length * 3)
    if (value.length <= SHORT && this.#ascii(value)) this.#end += value.length
    else this.#end += this.#bytes.write(value, this.#end)
  }

  /** Leaves room for a size, an int32; returns where it belongs. */
  beginSized(): number {
    return this.#take(4)
  }

  /** Writes the size of what has come since. */
  endSized(at: number): void {
    this.#view.setInt32(at, this.#end - at - 4)
  }

  /** Writes a text without moving on; false, with nothing said of the bytes, where it is not ASCII. */
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
