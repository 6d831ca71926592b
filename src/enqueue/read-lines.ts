/** One line of a text, without its line break; cut to what was asked for when it is longer. */
export interface Line {
  /** From 1. */
  readonly number: number
  readonly text: string
}

const NEWLINE = 0x0a

/**
 * Splits a stream into lines, holding never more than one chunk and `maxBytes + 1` bytes of a line: so a file
 * without line breaks, of any size, costs no memory, and a line that is too long still shows that it is.
 * A byte order mark at the start is no part of the first line; bytes that are not UTF-8 become U+FFFD.
 */
export async function* readLines(stream: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<Line> {
  let number = 0
  let pending: Buffer[] = []
  let pendingBytes = 0
  let hasPending = false
  const keep = (piece: Buffer) => {
    hasPending = true
    const kept = piece.subarray(0, Math.max(0, maxBytes + 1 - pendingBytes))
    if (kept.length === 0) return
    // A copy: a view would keep the whole chunk in memory.
    pending.push(Buffer.from(kept))
    pendingBytes += kept.length
  }
  const take = (): Line => {
    number++
    const text = Buffer.concat(pending).toString('utf8')
    pending = []
    pendingBytes = 0
    hasPending = false
    return { number, text: number === 1 ? text.replace(/^\uFEFF/, '') : text }
  }
  for await (const chunk of stream) {
    let from = 0
    for (let to = chunk.indexOf(NEWLINE); to !== -1; to = chunk.indexOf(NEWLINE, from)) {
      keep(chunk.subarray(from, to))
      yield take()
      from = to + 1
    }
    if (from < chunk.length) keep(chunk.subarray(from))
  }
  if (hasPending) yield take()
}
