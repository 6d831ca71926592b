import { type Kysely, sql } from 'kysely'
import type { Database } from '../../src/platform/postgres/database.ts'
import { readReport } from '../../src/compliance/report/read/read-report.ts'
import type { Report } from '../../src/compliance/report/schema.ts'
import { sealHistory } from './seal-history.ts'

/** Hostile names of files, labels and cases. Each is code or control characters in some output format. */
export const HOSTILE = [
  `<img src="https://evil.example/x.png" onerror="console.error('ran')">`,
  '</style></svg><script>console.error("ran")</script>',
  `"><a href="javascript:console.error('ran')">&quot;&lt;`,
  '=HYPERLINK("https://evil.example","ok")',
  '+1+cmd|" /C calc"!A0',
  '-2+3',
  '@SUM(1+1)',
  '\t=1+1',
  'a "quoted", name; with a\nline break',
  '\u202Egnp.exe\u202C \u200Bzero \u001B[31mred',
  'a\u2028b\u2029c\u0085d',
  'Größe 留守番電話 🎙️ Запись',
]

/** A report over some weeks with decisions of every kind, in which every external text is hostile. */
export async function hostileReport(db: Kysely<Database>): Promise<Report> {
  const day = (n: number) => new Date(Date.UTC(2026, 4, n, 3)).toISOString().replace('Z', '123Z')
  const base = HOSTILE.map((text, position) => ({
    classification_id: position + 1,
    identifier: `${text} ${position}`,
    file_hash: position % 3 === 0 ? 'f'.repeat(64) : `${text} hash`,
    name: text,
    ref_id: text,
    source: text,
    machine_classification: position % 4 === 0 ? text : 'artificial',
    machine_heuristic: text,
    machine_confidence: position / 10,
    result_url:
      position % 2 === 0 ? `javascript:console.error('ran')//${text}` : 'https://dashboard.example/r?a=1&b=2',
  }))
  await sealHistory(
    db,
    base.map((row) => ({ ...row, revision_no: 1, observed_at: day(1), causes: ['first_seen'] })),
  )
  await sealHistory(
    db,
    base.map((row, position) => ({
      ...row,
      revision_no: 2,
      previous_confirmed_at: day(2 + position * 5),
      observed_at: day(3 + position * 5),
      causes: ['forced'],
      force_classification: position % 5 === 4 ? row.name : position % 2 === 0 ? 'human' : 'artificial',
    })),
  )
  await db
    .insertInto('identifai.override_notes')
    .values(
      base.map(({ file_hash, name: text }) => ({
        file_hash,
        forced_to: 'human',
        author: text,
        reason: text,
        ticket: text,
        reviewer: text,
      })),
    )
    .execute()
  for (const [position, text] of HOSTILE.entries()) {
    await sql`insert into identifai.identifiers (identifier, state, due_at, retired_at, retired_reason)
      values (${`retired-${position}`}, 'retired', null, now(), ${text})`.execute(db)
  }
  await sealHistory(db, [])
  return readReport(db, { media: 'audio', from: day(1), to: day(70), asOf: null })
}
