/** Writes docs/schema.md from a freshly migrated database. */
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { connect } from '../src/db/connect.ts'
import { migrateUp } from '../src/db/migrate.ts'
import { startEmbeddedPostgres } from '../src/embedded-postgres/start-embedded-postgres.ts'
import { schemaMarkdown } from './schema-markdown.ts'

await using postgres = await startEmbeddedPostgres()
const { db } = connect({ connectionString: postgres.url(), maxConnections: 1 })
await migrateUp(db)
writeFileSync(path.resolve(import.meta.dirname, '../docs/schema.md'), await schemaMarkdown(db))
await db.destroy()
