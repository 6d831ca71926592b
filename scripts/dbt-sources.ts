/** Writes the sources of the dbt package in bi/dbt from a freshly migrated database. */
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { dbtSourcesYaml } from './dbt-sources-yaml.ts'
import { withMigratedDatabase } from './migrated-database.ts'

const file = path.resolve(import.meta.dirname, '../bi/dbt/models/staging/_identifai__sources.yml')
writeFileSync(file, await withMigratedDatabase(dbtSourcesYaml))
