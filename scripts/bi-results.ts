import { type Kysely, sql } from 'kysely'
import type { Database } from '../src/platform/postgres/database.ts'

/** An SQL block, with the table of results below it where the text has one already. */
const QUERY = /```sql\n([\s\S]*?)```\n(?:\n\|[\s\S]*?\n(?=\n))?/g

/** The text of docs/bi.md with the results that a database returns now. */
export async function withResults(db: Kysely<Database>, markdown: string): Promise<string> {
  const results: string[] = []
  for (const [, query = ''] of markdown.matchAll(QUERY)) {
    const { rows } = await sql.raw<Record<string, unknown>>(query).execute(db)
    results.push(`\`\`\`sql\n${query}\`\`\`\n\n${table(rows)}\n`)
  }
  return markdown.replaceAll(QUERY, () => results.shift() ?? '')
}

function table(rows: readonly Record<string, unknown>[]): string {
  const columns = Object.keys(rows[0] ?? {})
  return [
    line(columns),
    line(columns.map(() => '---')),
    ...rows.map((row) => line(columns.map((column) => row[column]))),
  ].join('\n')
}

function line(cells: readonly unknown[]): string {
  return `| ${cells.map(cellText).join(' | ')} |`
}

function cellText(value: unknown): string {
  if (value instanceof Date) {
    // The driver reads a date as midnight in the local time zone.
    const [year, month, day] = [value.getFullYear(), value.getMonth() + 1, value.getDate()]
    return `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`
  }
  return ['string', 'number', 'boolean'].includes(typeof value) ? String(value).replaceAll('|', '\\|') : ''
}
