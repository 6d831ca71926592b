import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verifyDatabase } from '../../src/compliance/verify/verify-database.ts'
import { grantJob, grantMaintenance } from '../../src/operations/roles/grant.ts'
import { examination } from '../support/examination.ts'
import { openWorker } from '../support/shards.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'

const HISTORY = ['classification_revisions', 'personal_values', 'revision_payloads'] as const

const CHANGES = HISTORY.flatMap((table) => [
  [table, `update TABLE set classification_id = classification_id`] as const,
  [table, `delete from TABLE`] as const,
  [table, `truncate TABLE cascade`] as const,
])

describe('the history of a cluster', () => {
  let bench: TestApp
  let job = ''
  const roles: string[] = []

  const createRole = async (purpose: string) => {
    const name = `${purpose} of ${new URL(bench.database.url).pathname.slice(1)}`
    await sql`create role ${sql.id(name)} login password 'p'`.execute(bench.app.db)
    roles.push(name)
    return name
  }
  const findings = async (tables = true) =>
    (await verifyDatabase(bench.app.db, { tables })).findings.map(({ what, problem }) => `${what} ${problem}`)

  beforeAll(async () => {
    bench = await createTestApp({ world: { seed: 9 } })
    await bench.load({ count: 40, outcome: 'done' })
    job = await createRole('job')
    await grantJob(bench.app.db, job, { annotates: true, revokesOthers: false })
    await grantMaintenance(bench.app.db, await createRole('maintenance'), { revokesOthers: false })
  })
  afterAll(async () => {
    for (const name of roles) {
      await sql`drop owned by ${sql.id(name)}`.execute(bench.app.db)
      await sql`drop role ${sql.id(name)}`.execute(bench.app.db)
    }
    await bench[Symbol.asyncDispose]()
  })

  it.each(CHANGES)('cannot be changed by the role of the job: %s, %s', async (table, change) => {
    await expect(
      sql
        .raw(`set local role "${job}"; ${change.replace('TABLE', `identifai.${table}`)}`)
        .execute(bench.app.db),
    ).rejects.toMatchObject({ code: '42501' })
    await using worker = await openWorker(bench.database, { user: job, password: 'p' })
    for (const place of [`identifai.${table}`, ...(await worker.shardsOf(table))]) {
      // Citus itself refuses to truncate a shard.
      await expect(worker.client.query(change.replace('TABLE', place)), place).rejects.toThrow(
        /^permission denied|^cannot modify/,
      )
    }
  })

  it('has no finding as it is, with the roles of the job and of the maintenance', async () => {
    expect(await findings()).toEqual([])
    expect((await examination({ databaseUrl: bench.database.url })).found('history')).toMatchObject({
      status: 'ok',
      found: 'Privileges keep history append-only.',
    })
  })

  it('is found unprotected by verification and by doctor where one worker lets a role change one shard', async () => {
    await using worker = await openWorker(bench.database)
    const [shard = ''] = await worker.shardsOf('classification_revisions')
    await worker.client.query(`set citus.enable_ddl_propagation = off`)
    await worker.client.query(`grant update (status), delete on ${shard} to "${job}"`)
    const expected = [
      expect.stringMatching(new RegExp(`^table ${shard} of .*:[0-9]+ lets ${job} DELETE rows$`)),
      expect.stringMatching(new RegExp(`^table ${shard} of .*:[0-9]+ lets ${job} UPDATE rows$`)),
    ]
    expect((await findings()).toSorted()).toEqual(expected)
    expect((await findings(false)).toSorted()).toEqual(expected)
    const { status, found, remedy } = (await examination({ databaseUrl: bench.database.url })).found(
      'history',
    )
    expect([status, found, remedy]).toEqual([
      'failed',
      expect.stringContaining(`lets ${job} DELETE rows`),
      expect.stringContaining('REVOKE'),
    ])
    await worker.client.query(`revoke update (status), delete on ${shard} from "${job}"`)
    expect(await findings()).toEqual([])
  })

  it('is found unprotected where a worker has another owner of a shard', async () => {
    await using worker = await openWorker(bench.database)
    const [shard = ''] = await worker.shardsOf('personal_values')
    const { rows } = await worker.client.query<{ owner: string }>(`select current_user as owner`)
    await worker.client.query(`alter table ${shard} owner to "${job}"`)
    expect(await findings()).toContainEqual(
      expect.stringContaining(`belongs to ${job}, and not to ${rows[0]?.owner}`),
    )
    await worker.client.query(`alter table ${shard} owner to "${rows[0]?.owner}"`)
  })

  it.each([
    [
      'classification_revisions',
      `set force_classification = 'human'`,
      /^revision 1 of classification [0-9]+ differs/,
    ],
    [
      'personal_values',
      `set name = 'another'`,
      /^personal values of revision 1 of classification [0-9]+ differ/,
    ],
    ['revision_payloads', `set payload = '{}'`, /^payload of revision 1 of classification [0-9]+ differs/],
    ['clips', `set confidence = 0.5`, /^clips \(classification_id [0-9]+, clip_no 0\)/],
  ])('is altered on a worker: verification names the row of %s', async (table, assignment, expected) => {
    await using worker = await openWorker(bench.database)
    const shards = await worker.shardsOf(table)
    expect(await findings()).toEqual([])
    const order = table === 'clips' ? 'clip_no = 0' : 'revision_no = 1'
    let altered = 0
    for (const shard of shards) {
      await worker.client.query(`create table public.kept as select * from ${shard}`)
      const { rowCount } = await worker.client.query(
        `update ${shard} set ${assignment.slice(4)} where ${order} and classification_id =
          (select min(classification_id) from ${shard} where ${order})`,
      )
      const found = await findings()
      if (rowCount === 0) expect(found, shard).toEqual([])
      else expect(found, shard).toContainEqual(expect.stringMatching(expected))
      altered += rowCount ?? 0
      const columns = assignment.slice(4).split(' =')[0]
      const key = table === 'clips' ? 'clip_no' : 'revision_no'
      await worker.client.query(
        `update ${shard} as s set ${columns} = kept.${columns} from public.kept
          where kept.classification_id = s.classification_id and kept.${key} = s.${key}`,
      )
      await worker.client.query('drop table public.kept')
    }
    expect(altered).toBeGreaterThan(0)
    expect(await findings()).toEqual([])
  })
})
