import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { CATALOGUE } from './catalogue.ts'
import { type Mutation, PROJECT } from './mutation.ts'

const FILE = path.join(PROJECT, 'node_modules/.cache/mutations.json')

export type Verdict = 'killed' | 'survived' | 'error'

export interface Result {
  readonly verdict: Verdict
  /** The test that noticed it, or the error. */
  readonly detail: string
}

/** A result holds while these are the same. They are read once, because the files may change meanwhile. */
const DIGESTS = new Map(CATALOGUE.map((mutation) => [mutation, digestOf(mutation)]))

function digestOf(mutation: Mutation): string {
  const digest = createHash('sha256').update(JSON.stringify(mutation))
  for (const file of [mutation.file, ...mutation.tests]) digest.update(readFileSync(path.join(PROJECT, file)))
  return digest.digest('hex')
}

/** The results of the present mutations, mutated files and tests, which a later run reads again. */
export class Results {
  readonly #results: Record<string, Result>

  /** @param isEmpty Begins without the results of earlier runs. */
  constructor({ isEmpty }: { readonly isEmpty: boolean }) {
    this.#results = isEmpty ? {} : readResults()
  }

  get(mutation: Mutation): Result | undefined {
    return this.#results[DIGESTS.get(mutation) as string]
  }

  set(mutation: Mutation, result: Result): void {
    this.#results[DIGESTS.get(mutation) as string] = result
    const present = new Set(DIGESTS.values())
    const kept = Object.entries(this.#results).filter(
      ([digest, { verdict }]) => present.has(digest) && verdict !== 'error',
    )
    mkdirSync(path.dirname(FILE), { recursive: true })
    writeFileSync(FILE, JSON.stringify(Object.fromEntries(kept)))
  }
}

function readResults(): Record<string, Result> {
  try {
    return JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, Result>
  } catch {
    return {}
  }
}
