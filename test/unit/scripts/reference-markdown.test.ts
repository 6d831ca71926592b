import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { referenceMarkdown } from '../../../scripts/reference-markdown.ts'

const file = path.join(import.meta.dirname, '../../../docs/reference.md')

it('docs/reference.md has the commands, exit codes and variables of the program (npm run docs:reference)', () => {
  expect(readFileSync(file, 'utf8')).toBe(referenceMarkdown())
})
