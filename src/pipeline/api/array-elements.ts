const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const LIST = 0x5b
const LIST_END = 0x5d
const OBJECT = 0x7b
const OBJECT_END = 0x7d

/**
 * The elements of a JSON array in UTF-8, each as the bytes that it came in, without the blanks around it. They are views
 * of `text`. Whether an element is JSON is not looked at; the array is, if each of them is.
 *
 * @returns undefined where the text is not framed as one array.
 */
export function arrayElements(text: Buffer): Buffer[] | undefined {
  const elements: Buffer[] = []
  const open = afterBlanks(text, 0)
  if (text[open] !== LIST) return undefined
  let start = open + 1
  let depth = 0
  for (let at = start; at < text.length; at++) {
    const byte = text[at]
    if (byte === QUOTE) at = endOfString(text, at)
    else if (byte === LIST || byte === OBJECT) depth++
    else if (depth > 0) {
      if (byte === LIST_END || byte === OBJECT_END) depth--
    } else if (byte === COMMA || byte === LIST_END) {
      elements.push(withoutBlanks(text, start, at))
      start = at + 1
      if (byte === LIST_END)
        return afterBlanks(text, start) === text.length ? unlessEmpty(elements) : undefined
    }
  }
  return undefined
}

/** Where the string that begins at `at` ends: at its closing quote, or, without one, at the end of the text. */
function endOfString(text: Buffer, at: number): number {
  let end = at + 1
  while (end < text.length && text[end] !== QUOTE) end += text[end] === BACKSLASH ? 2 : 1
  return end
}

/** Nothing between the brackets is no element. */
function unlessEmpty(elements: Buffer[]): Buffer[] {
  return elements.length === 1 && elements[0]?.length === 0 ? [] : elements
}

function withoutBlanks(text: Buffer, start: number, end: number): Buffer {
  const first = Math.min(afterBlanks(text, start), end)
  let last = end
  while (last > first && isBlank(text[last - 1])) last--
  return text.subarray(first, last)
}

function afterBlanks(text: Buffer, from: number): number {
  let at = from
  while (isBlank(text[at])) at++
  return at
}

/** The blanks that JSON knows: space, tab, line feed and carriage return. */
function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d
}
