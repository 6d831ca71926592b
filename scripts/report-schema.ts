/** Writes docs/report.schema.json from the schema in the code. */
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { z } from 'zod'
import { reportSchema } from '../src/compliance/report/schema.ts'

const file = path.resolve(import.meta.dirname, '../docs/report.schema.json')
writeFileSync(file, `${JSON.stringify(z.toJSONSchema(reportSchema), null, 2)}\n`)
