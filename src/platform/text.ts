/** Control, format (direction, zero width), surrogate and line separating characters: they can move or hide text. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

/** Control characters, which PostgreSQL or a terminal may refuse or interpret, and halves of surrogate pairs. */
const UNSTORABLE = /[\p{Cc}\p{Surrogate}]/gu

/** Text from outside as a terminal may show it: characters that can move its cursor or hide text become escapes. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => `\\u{${(character.codePointAt(0) as number).toString(16)}}`)
}

/** Several lines of such text; its line breaks stay. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n')
}

/** Text about a record or from the API, with unstorable characters escaped as in JSON. */
export function storable(text: string): string {
  return text.replace(UNSTORABLE, jsonEscape)
}

/** Text in ASCII, with everything else escaped as in JSON: every encoding of a database has these characters. */
export function asciiText(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, jsonEscape)
}

/** One UTF-16 code unit as a JSON escape. */
function jsonEscape(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** A text that ends as a sentence. */
export function withFullStop(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`
}

/** Returns true for a text of white space only. NEL is such for PostgreSQL, but not for JavaScript. */
export function isBlank(text: string): boolean {
  return /^[\s\u0085]*$/.test(text)
}
