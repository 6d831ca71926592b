/** Control characters, which PostgreSQL or a terminal would take amiss, and halves of surrogate pairs. */
const UNSTORABLE = /[\p{Cc}\p{Surrogate}]/gu

/** Text about a record or from the API, with what cannot be stored or shown made visible as JSON would escape it. */
export function storable(text: string): string {
  return text.replace(UNSTORABLE, escaped)
}

/** Text in ASCII alone, the rest escaped as JSON would: what a database's encoding cannot hold. */
export function asciiText(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, escaped)
}

/** A unit of UTF-16 as JSON would escape it. */
function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}
