import type { Json, JsonObject } from '../../src/platform/json.ts'

/**
 * Writes a record as JSON, as an API might. An infinite number becomes a number beyond double precision, and the nesting
 * can have any depth.
 */
export function hostileText(record: Json): string {
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

/** Text for the result that needs no escaping. */
class Literal {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** The brackets, commas and members of a list or object, in order. */
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
