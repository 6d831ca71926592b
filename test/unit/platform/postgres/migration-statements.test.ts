import { expect, it } from 'vitest'
import { replaceView } from '../../../../migrations/replace-view.ts'
import {
  createRecorder,
  migrationStatements,
} from '../../../../src/platform/postgres/migration-statements.ts'

it('has the statements of every migration, in order', async () => {
  const statements = await migrationStatements()
  const positions = [
    'create table "identifai"."identifiers"',
    'create view "identifai_reporting"."data_dictionary"',
  ].map((beginning) => statements.findIndex((statement) => statement.startsWith(beginning)))
  expect(positions[0]).toBeGreaterThan(-1)
  expect(positions[1]).toBeGreaterThan(positions[0] as number)
})

it('has the statement that replaces a view, without a database that has the view', async () => {
  const statements: string[] = []
  const recorder = createRecorder((statement) => statements.push(statement))
  await replaceView(recorder, 'clips', { comment: 'New.', columns: { a: 'A number.' }, query: 'select 1' })
  expect(statements).toContain('create or replace view "identifai_reporting"."clips" ("a")  as select 1')
})
