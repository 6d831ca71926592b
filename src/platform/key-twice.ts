import { isJsonObject, type Json } from './json.ts'

/**
 * Returns whether an object in a JSON text has a key twice, because readers disagree about the value of such a key.
 *
 * @param value The value that JSON.parse returns for the text.
 */
export function hasKeyTwice(text: string, value: Json): boolean {
  return keysInText(text) > keysIn(value)
}

function keysIn(value: Json): number {
  if (Array.isArray(value)) return value.reduce((sum: number, element: Json) => sum + keysIn(element), 0)
  if (!isJsonObject(value)) return 0
  return Object.values(value).reduce((sum: number, member) => sum + 1 + keysIn(member), 0)
}

/** Counts the strings before a colon. An expression for whole strings would need too much memory for a long one. */
function keysInText(text: string): number {
  const colon = /\s*:/y
  let keys = 0
  for (let start = text.indexOf('"'); start !== -1; start = text.indexOf('"', start)) {
    let end = text.indexOf('"', start + 1)
    while (isEscaped(text, end)) end = text.indexOf('"', end + 1)
    start = end + 1
    colon.lastIndex = start
    if (colon.test(text)) keys++
  }
  return keys
}

function isEscaped(text: string, position: number): boolean {
  let backslashes = 0
  while (text[position - 1 - backslashes] === '\\') backslashes++
  return backslashes % 2 === 1
}
