import type { Json, JsonObject } from '../json.ts'

/**
 * The record as JSON text that any database can hold and that parses back to the same record: U+0000 and lone
 * surrogates are escaped, and a number beyond double precision is written as one that is beyond it again.
 *
 * Iterative, because JSON.stringify overflows the stack on the nesting that made some records unstorable.
 */
export function evidenceText(record: JsonObject): string {
  let text = ''
  const waiting: (Json | Literal)[] = [record]
  while (waiting.length > 0) {
    const next = waiting.pop() as Json | Literal
    if (next instanceof Literal) text += next.text
    else if (typeof next !== 'object' || next === null) text += scalarText(next)
    else for (const part of parts(next).toReversed()) waiting.push(part)
  }
  return text
}

/** Control characters, which PostgreSQL or a terminal would take amiss, and halves of surrogate pairs. */
const UNSTORABLE = /[\p{Cc}\p{Surrogate}]/gu

/** Text about a record or from the API, with what cannot be stored or shown made visible as JSON would escape it. */
export function storable(text: string): string {
  return text.replace(UNSTORABLE, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** Text in ASCII alone, the rest escaped as JSON would: what a database's encoding cannot hold. */
export function asciiText(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** Text that goes into the result as it is. */
class Literal {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** A list or object as its brackets, commas and members, in order. */
function parts(value: readonly Json[] | JsonObject): (Json | Literal)[] {
  if (Array.isArray(value)) {
    const elements = value.flatMap((element: Json) => [new Literal(','), element])
    return [new Literal('['), ...elements.slice(1), new Literal(']')]
  }
  const members = Object.entries(value).flatMap(([key, member], position) => [
    new Literal(`${position === 0 ? '' : ','}${JSON.stringify(key)}:`),
    member,
  ])
  return [new Literal('{'), ...members, new Literal('}')]
}

function scalarText(value: string | number | boolean | null): string {
  if (value === Number.POSITIVE_INFINITY) return '1e999'
  if (value === Number.NEGATIVE_INFINITY) return '-1e999'
  return JSON.stringify(value)
}
