import type { Report } from '../report.ts'

/** A report as JSON: its head for people, its lists with one element a line. */
export function* jsonText(report: Report): Generator<string> {
  for (const [position, [key, value]] of Object.entries(report).entries()) {
    yield `${position === 0 ? '{' : ','}\n  ${JSON.stringify(key)}: `
    if (Array.isArray(value)) yield* elements(value)
    else yield JSON.stringify(value, null, 2).replaceAll('\n', '\n  ')
  }
  yield '\n}\n'
}

function* elements(list: readonly unknown[]): Generator<string> {
  for (const [position, element] of list.entries()) {
    yield `${position === 0 ? '[' : ','}\n    ${JSON.stringify(element)}`
  }
  yield list.length === 0 ? '[]' : '\n  ]'
}
