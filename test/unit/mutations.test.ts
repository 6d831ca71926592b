import { existsSync } from 'node:fs'
import path from 'node:path'
import { parseSync } from 'oxc-parser'
import { describe, expect, it } from 'vitest'
import { CATALOGUE } from '../mutations/catalogue.ts'
import { type Mutation, mutated, PROJECT } from '../mutations/mutation.ts'

/** The reason for which a mutation cannot be tried; undefined without any. */
function problemOf(mutation: Mutation): string | undefined {
  const { breaks, file, tests } = mutation
  const missing = tests.filter((test) => !existsSync(path.join(PROJECT, test)))
  if (tests.length === 0 || missing.length > 0) return `${breaks} No such tests: ${missing.join(', ')}`
  try {
    const [error] = parseSync(file, mutated(mutation)).errors
    return error && `${breaks} It does not parse: ${error.message}`
  } catch (error) {
    return `${breaks} ${(error as Error).message}`
  }
}

describe('the catalogue of mutations', () => {
  it('has at least a hundred, and none twice', () => {
    expect(CATALOGUE.length).toBeGreaterThanOrEqual(100)
    const changes = CATALOGUE.map(({ file, from, to }) => JSON.stringify([file, from, to]))
    expect(changes.filter((change, index) => changes.indexOf(change) !== index)).toEqual([])
  })

  it('applies to the present code', () => {
    expect(CATALOGUE.flatMap((mutation) => problemOf(mutation) ?? [])).toEqual([])
  })
})
