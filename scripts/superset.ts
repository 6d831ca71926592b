/** Writes bi/superset from bi/dashboard.ts and a freshly migrated database. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { connect } from '../src/db/connect.ts'
import { migrateUp } from '../src/db/migrate.ts'
import { startEmbeddedPostgres } from '../src/embedded-postgres/start-embedded-postgres.ts'
import { supersetFiles } from './superset-files.ts'

const folder = path.resolve(import.meta.dirname, '../bi/superset')
await using postgres = await startEmbeddedPostgres()
const { db } = connect({ connectionString: postgres.url(), maxConnections: 1 })
await migrateUp(db)
rmSync(folder, { recursive: true, force: true })
for (const [file, content] of await supersetFiles(db)) {
  mkdirSync(path.dirname(path.join(folder, file)), { recursive: true })
  writeFileSync(path.join(folder, file), content)
}
await db.destroy()
