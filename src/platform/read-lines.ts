/** One line of a text, without its line break; cut to the length that the caller accepts. */
export interface Line {
  /** From 1. */
  readonly number: number
  readonly text: string
  /** The line is longer than `text`. */
  readonly cut: boolean
}

const [NEWLINE, RETURN] = [0x0a, 0x0d]

/**
 * Splits a stream into lines, which end with LF, CRLF or CR. It holds one chunk and at most `maxBytes` of a line, so that a
 * file of any size without line breaks needs no memory. Drops a byte order mark at the start; bytes that are not UTF-8 become
 * U+FFFD.
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
  let endedWithReturn = false
  for await (const chunk of stream) {
    // The LF of a CRLF that two chunks share.
    let from = endedWithReturn && chunk[0] === NEWLINE ? 1 : 0
    for (const to of lineEnds(chunk)) {
      if (to < from) continue
      keep(chunk.subarray(from, to))
      yield take()
      from = to + (chunk[to] === RETURN && chunk[to + 1] === NEWLINE ? 2 : 1)
    }
    if (from < chunk.length) keep(chunk.subarray(from))
    if (chunk.length > 0) endedWithReturn = chunk.at(-1) === RETURN
  }
  if (hasPending) yield take()
}

/** The positions of each LF and CR, in their order. Each byte is searched once for either. */
function* lineEnds(chunk: Buffer): Generator<number> {
  let [newline, carriageReturn] = [chunk.indexOf(NEWLINE), chunk.indexOf(RETURN)]
  while (newline !== -1 || carriageReturn !== -1) {
    if (carriageReturn === -1 || (newline !== -1 && newline < carriageReturn)) {
      yield newline
      newline = chunk.indexOf(NEWLINE, newline + 1)
    } else {
      yield carriageReturn
      carriageReturn = chunk.indexOf(RETURN, carriageReturn + 1)
    }
  }
}
