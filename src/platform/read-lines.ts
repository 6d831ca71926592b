/** One line of a text, without its line break; cut to the length that the caller accepts. */
export interface Line {
  /** From 1. */
  readonly number: number
  readonly text: string
  /** The line is longer than `text`. */
  readonly cut: boolean
}

const NEWLINE = 0x0a

/**
 * Splits a stream into lines. It holds one chunk and at most `maxBytes` of a line, so that a file of any size without line
 * breaks needs no memory. Drops a byte order mark at the start; bytes that are not UTF-8 become U+FFFD.
 */
export async function* readLines(stream: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<Line> {
  let number = 0
  let pending: Buffer[] = []
  let pendingBytes = 0
  let hasPending = false
  let cut = false
  const keep = (piece: Buffer) => {
    hasPending = true
    const part = piece.subarray(0, Math.max(0, maxBytes - pendingBytes))
    cut ||= part.length < piece.length
    if (part.length === 0) return
    // A copy, because a view would keep the whole chunk in memory.
    pending.push(Buffer.from(part))
    pendingBytes += part.length
  }
  const take = (): Line => {
    number++
    const text = Buffer.concat(pending).toString('utf8')
    const line = { number, text: number === 1 ? text.replace(/^\uFEFF/, '') : text, cut }
    pending = []
    pendingBytes = 0
    hasPending = false
    cut = false
    return line
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
