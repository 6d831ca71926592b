import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { reportSchema } from '../../../../src/compliance/report/schema.ts'
import { addNote } from '../../../support/add-note.ts'
import { at, firstRevision, forced, reportOnJuly } from '../../../support/july.ts'
import { sealHistory } from '../../../support/seal-history.ts'
import { createTestDatabase } from '../../../support/test-database.ts'

describe('a report as JSON', () => {
  it('fits its JSON Schema, and the schema in docs/ is that of the code', async () => {
    await using database = await createTestDatabase()
    await sealHistory(database.db, [...firstRevision([1]), forced(1, at(11), at(12))])
    await addNote(database.db, 'hash-1')
    await sealHistory(database.db, [])
    const file = new URL('../../../../docs/report.schema.json', import.meta.url)
    const schema = JSON.parse(readFileSync(file, 'utf8'))
    expect(schema).toEqual(JSON.parse(JSON.stringify(z.toJSONSchema(reportSchema))))
    const ajv = new Ajv2020({ strict: false })
    addFormats.default(ajv)
    const isValid = ajv.compile(schema)
    const made = JSON.parse(JSON.stringify(await reportOnJuly(database.db)))
    expect(isValid(made), JSON.stringify(isValid.errors)).toBe(true)
    expect(made.decisions[0].notes).toHaveLength(1)
    expect(isValid({ ...made, events: [{ ...made.events[0], forced_by: 'a person' }] })).toBe(false)
  })
})
