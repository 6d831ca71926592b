import type { Report } from '../../src/compliance/report/schema.ts'
import { addNote } from './add-note.ts'
import { at, firstRevision, forced, reportOnJuly } from './july.ts'
import { sealHistory } from './seal-history.ts'
import type { TestDatabase } from './test-database.ts'

/**
 * A report on July with two decisions on one file, the first of them before the period. The second has a note by A that was
 * corrected by B.
 */
export async function correctedReport(db: TestDatabase['db']): Promise<Report> {
  const file_hash = 'f'
  await sealHistory(db, [
    ...firstRevision([1, 2], { file_hash }),
    forced(1, at(3), at(4), { file_hash }),
    forced(2, at(11), at(12), { file_hash }),
  ])
  await addNote(db, file_hash)
  await addNote(db, file_hash, { corrects: 1, author: 'B' })
  await sealHistory(db, [])
  return reportOnJuly(db)
}
