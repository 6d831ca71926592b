import type { Report } from '../schema.ts'

type Text = Iterable<string> | AsyncIterable<string>

/** Each format loads its code only when it is used, so that the others start quickly. */
const FORMATTERS = {
  table: async (report: Report): Promise<Text> => [`${(await import('./table.ts')).tableText(report)}\n`],
  csv: async (report: Report): Promise<Text> => (await import('./csv.ts')).csvText(report),
  json: async (report: Report): Promise<Text> => jsonText(report),
  html: async (report: Report): Promise<Text> => (await import('./html/page.ts')).htmlText(report),
}

export type ReportFormat = keyof typeof FORMATTERS

/** The formats of a report. */
export const REPORT_FORMATS = Object.keys(FORMATTERS) as ReportFormat[]

/** The text of a report in a format, in parts. */
export async function formatReport(report: Report, format: ReportFormat): Promise<Text> {
  return FORMATTERS[format](report)
}

/** A report as JSON: its head indented for people, its lists with one element a line. */
export function* jsonText(report: Report): Generator<string> {
  for (const [index, [key, value]] of Object.entries(report).entries()) {
    yield `${index === 0 ? '{' : ','}\n  ${JSON.stringify(key)}: `
    if (Array.isArray(value)) yield* elements(value)
    else yield JSON.stringify(value, null, 2).replaceAll('\n', '\n  ')
  }
  yield '\n}\n'
}

function* elements(list: readonly unknown[]): Generator<string> {
  for (const [index, element] of list.entries()) {
    yield `${index === 0 ? '[' : ','}\n    ${JSON.stringify(element)}`
  }
  yield list.length === 0 ? '[]' : '\n  ]'
}
