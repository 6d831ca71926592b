/** Writes docs/reference.md: commands, variables and exit codes, as the program has them. Run by `npm run docs:reference`. */
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { referenceMarkdown } from './reference-markdown.ts'

writeFileSync(path.resolve(import.meta.dirname, '../docs/reference.md'), referenceMarkdown())
