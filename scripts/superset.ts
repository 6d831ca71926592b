/** Writes bi/superset from bi/dashboard.ts and a freshly migrated database. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { withMigratedDatabase } from './migrated-database.ts'
import { supersetFiles } from './superset-files.ts'

const folder = path.resolve(import.meta.dirname, '../bi/superset')
const files = await withMigratedDatabase(supersetFiles)
rmSync(folder, { recursive: true, force: true })
for (const [file, content] of files) {
  mkdirSync(path.dirname(path.join(folder, file)), { recursive: true })
  writeFileSync(path.join(folder, file), content)
}
