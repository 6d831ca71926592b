import { type Kysely, sql } from 'kysely'
import type { Database } from '../src/platform/postgres/database.ts'

/** An SQL block, and the answer below it, if there is one already. */
const QUESTION = /```sql\n([\s\S]*?)```\n(?:\n\|[\s\S]*?\n(?=\n))?/g

/** The text of docs/bi.md with each answer as a database gives it now. */
export async function withResponses(db: Kysely<Database>, markdown: string): Promise<string> {
  const answers: string[] = []
  for (const [, query = ''] of markdown.matchAll(QUESTION)) {
    const { rows } = await sql.raw<Record<string, unknown>>(query).execute(db)
    answers.push(`\`\`\`sql\n${query}\`\`\`\n\n${table(rows)}\n`)
  }
  return markdown.replaceAll(QUESTION, () => answers.shift() ?? '')
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
    // A date as the driver reads it: midnight where this runs.
    const [year, month, day] = [value.getFullYear(), value.getMonth() + 1, value.getDate()]
    return `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`
  }
  return ['string', 'number', 'boolean'].includes(typeof value) ? String(value).replaceAll('|', '\\|') : ''
}
