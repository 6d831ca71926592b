import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { STATEMENTS } from '../../../../src/compliance/report/statements.ts'
import { canonicalJson } from '../../../../src/platform/canonical-json.ts'

it('has the sentences whose hash docs/bundle.md states', () => {
  const page = readFileSync(path.resolve(import.meta.dirname, '../../../../docs/bundle.md'), 'utf8')
  expect(page).toContain(createHash('sha256').update(canonicalJson(STATEMENTS)).digest('hex'))
})
