import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { sql } from 'kysely'
import { expect, it } from 'vitest'
import { grantJob } from '../../../../src/operations/roles/grant.ts'
import { createApp } from '../../../../src/app.ts'
import { recordVerification } from '../../../../src/compliance/verify/verifications.ts'
import { verifyDatabase } from '../../../../src/compliance/verify/verify-database.ts'
import { readClock } from '../../../../src/platform/postgres/clock.ts'
import { asDatabaseError } from '../../../../src/platform/postgres/database-error.ts'
import { checkPrivileges } from '../../../../src/operations/doctor/check-schema.ts'
import { advance, initializePosition, takePosition } from '../../../../src/operations/webhook/position.ts'
import { enqueue } from '../../../../src/pipeline/queue/enqueue.ts'
import { argumentEntries } from '../../../../src/pipeline/queue/input/read-arguments.ts'
import { applyReplay } from '../../../../src/pipeline/replay/replay.ts'
import { storeSizeLimit } from '../../../../src/pipeline/api/size-limit.ts'
import { executeRun } from '../../../../src/pipeline/run/execute-run.ts'
import { startCannedApi } from '../../../support/canned-api.ts'
import { createTestApp } from '../../../support/test-app.ts'

const INSUFFICIENT_PRIVILEGE = '42501'

/** A row for every data table. */
const COMPLETE = {
  verdict: { heuristic: 'Majority', classification: 'human', models: ['Phantom'] },
  results: [{ model: 'Phantom', classification: [{ label: 'human', score: 0.9 }] }],
  details: { clips: [{ index: 0, verdict: { classification: 'human' } }] },
}

/** The statement of deploy/create-roles.sql that begins as given. */
function statementOf(beginning: string): string {
  const text = readFileSync(new URL('../../../../deploy/create-roles.sql', import.meta.url), 'utf8')
  const [, rest = ''] = text.split(`\n${beginning}`)
  return `${beginning}${rest.split(';')[0]}`
}

it('a role of grant-job completes runs, and cannot change history', async () => {
  const served = new Map<string, object>()
  await using api = await startCannedApi((identifiers) =>
    identifiers.flatMap((identifier) => served.get(identifier) ?? []),
  )
  await using bench = await createTestApp({
    environment: { SYNC_MISSING_AFTER: '1', IDENTIFAI_API_URL: api.url },
  })
  const { db, config, logger } = bench.app
  const role = `job of ${new URL(bench.database.url).pathname.slice(1)}`
  await sql`create role ${sql.id(role)} login password 'p'`.execute(db)
  try {
    const url = new URL(bench.database.url)
    url.username = encodeURIComponent(role)
    url.password = 'p'
    await using app = createApp({ ...config, databaseUrl: url.href }, { logger })
    const run = async () => {
      const result = await executeRun(app, {
        trigger: 'nightly',
        signal: new AbortController().signal,
        refreshAll: true,
      })
      if (result.failure !== undefined) throw result.failure
      return result.run
    }
    const refused = await run().catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: INSUFFICIENT_PRIVILEGE })
    expect(asDatabaseError(refused)?.message).toMatch(
      /Use the role that this command needs.*docs\/operations\.md\. For runs, doctor lists the missing privileges/,
    )
    const [lacking] = await checkPrivileges(app.db)
    expect(lacking).toMatchObject({
      status: 'failed',
      exit_code: 5,
      found: expect.stringMatching(/^The role .* lacks .*\.$/),
      remedy: expect.stringMatching(
        /^Run doctor as the role of the job\. If .* run as the owner of the tables, postgres: identifai-sync grant-job .* deploy\/change-owner\.sql\.$/,
      ),
    })
    await grantJob(db, role, { annotates: false, revokesOthers: false })
    expect(await checkPrivileges(app.db)).toMatchObject([{ status: 'ok' }])
    // The status page reads it.
    const view = sql`select on identifai_reporting.force_decisions`
    await sql`revoke ${view} from ${sql.id(role)}`.execute(db)
    expect(await checkPrivileges(app.db)).toMatchObject([
      { found: `The role ${role} lacks SELECT ON identifai_reporting.force_decisions.` },
    ])
    await sql`grant ${view} to ${sql.id(role)}`.execute(db)
    // As after a refusal of a long request.
    for (const bytes of [5000, 4000]) await storeSizeLimit(app.db, 'https://other.example', bytes)

    // All writes of a run: first results, a force of same-file identifiers, an absence, quarantine, drift, the chain.
    const serve = (identifier: string, more: object = {}) =>
      served.set(identifier, { identifier, status: 'done', hash: identifier, ...COMPLETE, ...more })
    for (const name of ['a', 'b', 'c', 'd']) serve(name)
    serve('same-file', { hash: 'a' })
    await bench.enqueue([...served.keys(), 'unknown'])
    expect(await run()).toMatchObject({ claimed: 6, not_returned: 1, changed: 5 })
    serve('a', { force_classification: 'human' })
    serve('same-file', { hash: 'a', force_classification: 'human' })
    served.delete('b')
    serve('c', { status: 5 })
    serve('d', { unheard_of: 1 })
    expect(await run()).toMatchObject({ quarantined: 1, force_changes: 2, not_returned: 1, changed: 3 })
    serve('c')
    expect(await run()).toMatchObject({ status: 'succeeded', changed: 0 })

    // A replay rewrites from the payload the rows that an earlier version derived differently.
    await sql`update identifai.verdicts set confidence = 0.123`.execute(db)
    const signal = new AbortController().signal
    const { rewritten } = await applyReplay(app, { since: null, signal })
    expect(rewritten).toBeGreaterThan(0)

    const verification = await verifyDatabase(app.db, { tables: true })
    expect(verification).toMatchObject({ tables: { definitions: expect.any(Number) }, findings: [] })
    await recordVerification(app.db, await readClock(app.db), verification)

    await sql`insert into identifai.chain_timestamps (chain_position, authority, token) values (1, 'a', '')`.execute(
      app.db,
    )

    await initializePosition(app.db)
    await run()
    const owner = randomUUID()
    const position = await takePosition(app.db, owner)
    expect(position && (await advance(app.db, owner, position))).toBe(true)

    for (const statement of [
      'update identifai.classification_revisions set causes = causes',
      'delete from identifai.classification_revisions',
      'truncate identifai.classification_revisions',
      'delete from identifai.revision_payloads',
      'delete from identifai.personal_values',
      'delete from identifai.actions',
      "insert into identifai.override_notes (file_hash, forced_to, author, reason) values ('h', 'human', 'a', 'r')",
      'update identifai.chain_leaves set leaf_no = leaf_no',
      'delete from identifai.chain_timestamps',
      'update identifai.verifications set findings = 0',
      'delete from identifai.verifications',
      'select from identifai_reporting.sync_freshness',
      'delete from identifai.identifiers',
      'alter table identifai.classification_revisions disable trigger all',
      'drop table identifai.clips',
      'create table identifai.x (n int)',
    ]) {
      await expect(sql.raw(statement).execute(app.db), statement).rejects.toMatchObject({
        code: INSUFFICIENT_PRIVILEGE,
      })
    }
    // A sealed run refuses changes even from a role that can update runs.
    await expect(sql`update identifai.sync_runs set host = 'x'`.execute(app.db)).rejects.toMatchObject({
      code: '23001',
    })
  } finally {
    await sql`drop owned by ${sql.id(role)}`.execute(db)
    await sql`drop role ${sql.id(role)}`.execute(db)
  }
})

it('a role enqueues after the hardening of deploy/create-roles.sql, and doctor reports a role that may not', async () => {
  await using bench = await createTestApp()
  const { db, config, logger } = bench.app
  const url = new URL(bench.database.url)
  const database = url.pathname.slice(1)
  const role = `enqueuing job of ${database}`
  await sql`create role ${sql.id(role)} login password 'p'`.execute(db)
  try {
    url.username = encodeURIComponent(role)
    url.password = 'p'
    await using app = createApp({ ...config, databaseUrl: url.href }, { logger })
    await grantJob(db, role, { annotates: false, revokesOthers: false })
    const [revoke, grant] = ['REVOKE TEMPORARY', 'GRANT TEMPORARY'].map((beginning) =>
      statementOf(beginning).replace(':"DBNAME"', `"${database}"`).replace('identifai_sync', `"${role}"`),
    ) as [string, string]
    await sql.raw(revoke).execute(db)
    const options = { media: 'audio', priority: 0, source: null } as const
    await expect(enqueue(app.db, argumentEntries(['a']), options)).rejects.toMatchObject({
      code: INSUFFICIENT_PRIVILEGE,
    })
    const [, finding] = await checkPrivileges(app.db)
    expect(finding).toMatchObject({
      status: 'warning',
      remedy: expect.stringContaining('GRANT TEMPORARY ON'),
    })
    await sql.raw(finding?.remedy?.replace(/^.*?: /, '') ?? '').execute(db)
    expect(await checkPrivileges(app.db)).toMatchObject([{ status: 'ok' }])
    await sql.raw(`revoke temporary on database "${database}" from "${role}"`).execute(db)
    await sql.raw(grant).execute(db)
    expect(await enqueue(app.db, argumentEntries(['a']), options)).toMatchObject({ added: 1 })
  } finally {
    await sql`drop owned by ${sql.id(role)}`.execute(db)
    await sql`drop role ${sql.id(role)}`.execute(db)
  }
})
