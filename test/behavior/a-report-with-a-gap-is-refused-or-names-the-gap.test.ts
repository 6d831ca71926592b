import { readFileSync } from 'node:fs'
import path from 'node:path'
import { type Kysely, sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { GAP_KINDS, type GapKind } from '../../src/compliance/report/schema.ts'
import { newRun, openRun } from '../../src/pipeline/run/run-rows.ts'
import type { Database } from '../../src/platform/postgres/database.ts'
import { createTestCli, type TestCli } from '../support/test-cli.ts'
import { at, firstRevision, forced } from '../support/july.ts'
import { exitCodeOf, HAS_PYTHON } from '../support/python-verifiers.ts'
import { sealHistory, trackFinished, writeRevisions } from '../support/seal-history.ts'
import { createTestDatabase } from '../support/test-database.ts'

const EVENT = [...firstRevision([1]), forced(1, at(11), at(12))]

/** Seals an event of a finished identifier that is confirmed at the end of the period or later. */
async function sealEvent(db: Kysely<Database>, confirmedAt = at(20)): Promise<void> {
  await trackFinished(db, 1, { enqueuedAt: at(1), confirmedAt })
  await sealHistory(db, EVENT)
}

/** A history of July whose report up to a time, the twentieth if none is given, has one gap. */
interface Case {
  readonly to?: string
  readonly prepare: (db: Kysely<Database>) => Promise<unknown>
}

const CASES: { readonly [Kind in GapKind]: Case } = {
  // Without a tracked identifier, so that there is no confirmation which is older than the end.
  period_not_over: { to: '2100-01-01T00:00:00.000000Z', prepare: (db) => sealHistory(db, EVENT) },
  unobserved: { to: at(1), prepare: (db) => sealEvent(db) },
  unfinished: {
    prepare: async (db) => {
      await sql`insert into identifai.identifiers (identifier, enqueued_at) values ('open', ${at(19)})`.execute(
        db,
      )
      await sealEvent(db)
    },
  },
  unconfirmed: { prepare: (db) => sealEvent(db, at(19)) },
  reanalyzing: {
    prepare: async (db) => {
      await sealEvent(db)
      const unfinished = { classification_id: 1, revision_no: 3, observed_at: at(19), status: 'new' as const }
      await sealHistory(db, [{ ...unfinished, causes: ['status_changed'] }])
    },
  },
  unsealed: {
    prepare: async (db) => {
      const other = newRun('manual')
      await openRun(db, other)
      await writeRevisions(db, other.runId, firstRevision([2]))
      await sealEvent(db)
    },
  },
}

describe('a report with a gap', () => {
  let cli: TestCli
  beforeAll(() => {
    cli = createTestCli()
  })
  afterAll(() => cli[Symbol.dispose]())

  it.each(GAP_KINDS)('is refused, made if that is allowed, and verified in every way: %s', async (gap) => {
    const { to = at(20), prepare } = CASES[gap]
    await using database = await createTestDatabase()
    await prepare(database.db)
    const environment = { DATABASE_URL: database.url }
    const make = (kind: string, name: string, ...options: string[]) =>
      cli.call(['report', kind, '--to', to, '--output', path.join(cli.folder, name), ...options], environment)

    expect(await make('forced', 'refused.json', '--json')).toMatchObject({ code: 6 })
    const [report, bundle] = [`${gap}.json`, `${gap}.bundle.jsonl`]
    const warning = expect.stringContaining('warning: not complete.')
    expect(await make('forced', report, '--json', '--allow-incomplete')).toMatchObject({
      code: 0,
      stderr: warning,
    })
    expect(await make('bundle', bundle, '--allow-incomplete')).toMatchObject({ code: 0, stderr: warning })

    const { coverage } = JSON.parse(readFileSync(path.join(cli.folder, report), 'utf8')).head
    expect(coverage).toMatchObject({ is_complete: false, gaps: [{ gap }] })
    for (const file of [report, bundle].map((name) => path.join(cli.folder, name))) {
      const { code, stdout } = await cli.call(['report', 'verify', file, '--json'])
      expect({ code, findings: JSON.parse(stdout).findings }).toEqual({ code: 0, findings: [] })
    }
    if (!HAS_PYTHON) return
    expect(await exitCodeOf('verify_report.py', path.join(cli.folder, report))).toBe(0)
    expect(await exitCodeOf('verify_bundle.py', path.join(cli.folder, bundle))).toBe(0)
  })
})
