import { existsSync } from 'node:fs'
import path from 'node:path'
import { parseSync } from 'oxc-parser'
import { describe, expect, it } from 'vitest'
import { CATALOGUE } from '../mutations/catalogue.ts'
import { mutated, PROJECT } from '../mutations/mutation.ts'

describe('the catalogue of mutations', () => {
  it('has at least a hundred, each for a promise of its own', () => {
    expect(CATALOGUE.length).toBeGreaterThanOrEqual(100)
    const names = CATALOGUE.map(({ file, breaks, to }) => `${file}: ${breaks} ${to}`)
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
  })

  it.each(CATALOGUE)('applies to the present code: $file: $breaks', (mutation) => {
    expect(parseSync(mutation.file, mutated(mutation)).errors).toEqual([])
    expect(mutation.tests).not.toEqual([])
    expect(mutation.tests.filter((test) => !existsSync(path.join(PROJECT, test)))).toEqual([])
  })
})
