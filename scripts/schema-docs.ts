/** Writes docs/schema.md from a newly migrated database. */
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { withMigratedDatabase } from './migrated-database.ts'
import { schemaMarkdown } from './schema-markdown.ts'

writeFileSync(
  path.resolve(import.meta.dirname, '../docs/schema.md'),
  await withMigratedDatabase(schemaMarkdown),
)
