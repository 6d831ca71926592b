/** Writes the JSON schemas in docs/ from the schemas in the code. */
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { z } from 'zod'
import { reportSchema } from '../src/compliance/report/schema.ts'
import { notificationSchema } from '../src/operations/webhook/notification.ts'

/** The schemas by their files in docs/. */
const SCHEMAS = { 'report.schema.json': reportSchema, 'webhook.schema.json': notificationSchema }

for (const [file, schema] of Object.entries(SCHEMAS)) {
  const text = `${JSON.stringify(z.toJSONSchema(schema), null, 2)}\n`
  writeFileSync(path.resolve(import.meta.dirname, '../docs', file), text)
}
