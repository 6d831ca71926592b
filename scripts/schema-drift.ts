/**
 * Compares the table types in the code with a migrated database. The tool kysely-codegen generates types from it, and
 * the compiler checks that both are equal. `npm run schema:drift` fails when they differ.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { withMigratedDatabase } from './migrated-database.ts'

const project = path.resolve(import.meta.dirname, '..')
const folder = path.join(project, 'node_modules/.cache/schema-drift')
const bin = (name: string) => path.join(project, 'node_modules/.bin', name)

mkdirSync(folder, { recursive: true })
await withMigratedDatabase(async (_, url) => {
  const flags = {
    dialect: 'postgres',
    url,
    'default-schema': 'public',
    'include-pattern': 'identifai.*',
    'exclude-pattern': 'identifai.schema_migrations*',
    'type-mapping': '{"int8":"number"}',
    'log-level': 'error',
    'out-file': path.join(folder, 'database.ts'),
  }
  execFileSync(
    bin('kysely-codegen'),
    Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]),
    { stdio: 'inherit' },
  )
})
try {
  execFileSync(bin('tsc'), ['-p', path.join(project, 'scripts/schema-drift.tsconfig.json')], {
    stdio: 'inherit',
  })
  console.log('The table types match the migrated database.')
} catch {
  console.error('The table types in src/platform/postgres differ from the migrated database: correct them.')
  process.exitCode = 1
}
