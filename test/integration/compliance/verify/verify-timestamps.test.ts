import { readFileSync } from 'node:fs'
import path from 'node:path'
import { type Kysely, sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requestTimestamps } from '../../../../src/compliance/timestamp/request-timestamps.ts'
import { readAuthorities } from '../../../../src/compliance/timestamp/signature.ts'
import { verifyChain, verifySnapshot } from '../../../../src/compliance/verify/verify-chain.ts'
import type { Database } from '../../../../src/platform/postgres/database.ts'
import { createTestApp, type TestApp } from '../../../support/test-app.ts'
import {
  HAS_OPENSSL,
  startTimestampAuthority,
  type TimestampAuthority,
} from '../../../support/timestamp-authority.ts'

describe.skipIf(!HAS_OPENSSL)('verifying timestamps', () => {
  let authority: TimestampAuthority
  let bench: TestApp
  let startedAt: Date
  beforeAll(async () => {
    startedAt = new Date()
    authority = await startTimestampAuthority()
    bench = await createTestApp({ environment: { SEAL_TIMESTAMP_URL: authority.url } })
    for (let runs = 0; runs < 3; runs++)
      await requestTimestamps(bench.app, await bench.run(), new AbortController().signal)
  })
  afterAll(async () => {
    await bench[Symbol.asyncDispose]()
    await authority[Symbol.asyncDispose]()
  })

  const authorities = () => readAuthorities(readFileSync(path.join(authority.folder, 'root.pem'), 'utf8'))

  const tokenAt = async (position: number) => {
    const { token } = await bench.app.db
      .selectFrom('identifai.chain_timestamps')
      .select('token')
      .where('chain_position', '=', position)
      .executeTakeFirstOrThrow()
    return token
  }

  /** Changes the database as a superuser without triggers could, calls `read`, and rolls back. */
  async function after<T>(
    change: (trx: Kysely<Database>) => Promise<unknown>,
    read: (trx: Kysely<Database>) => Promise<T>,
  ): Promise<T> {
    const undone = new Error('undone')
    let result: T | undefined
    await bench.app.db
      .transaction()
      .execute(async (trx) => {
        await sql`set local session_replication_role = replica`.execute(trx)
        await change(trx)
        result = await read(trx)
        throw undone
      })
      .catch((error: unknown) => {
        if (error !== undone) throw error
      })
    return result as T
  }

  /** The findings on timestamps without and with the certificate of the authority. */
  const findingsAfter = (change: Parameters<typeof after>[0]) =>
    after(change, async (trx) => {
      const findings = async (given?: Parameters<typeof verifySnapshot>[1]) =>
        (await verifySnapshot(trx, given)).findings
          .filter(({ what }) => what.includes('timestamp') || what === 'the chain')
          .map(({ what, problem, chain_position }) => `${what} ${problem} at ${chain_position}`)
      return { without: await findings(), trusting: await findings({ authorities: authorities() }) }
    })

  const replaceToken =
    (token: Buffer, position = 2) =>
    (trx: Kysely<Database>) =>
      trx
        .updateTable('identifai.chain_timestamps')
        .set({ token })
        .where('chain_position', '=', position)
        .execute()

  const OTHER_HEAD =
    'is not of the chain head at this position, because one of the two was altered or replaced'

  it('has no findings in an untouched history', async () => {
    for (const given of [{}, { authorities: authorities() }]) {
      const { findings, timestamps_checked, newest_timestamp } = await verifyChain(bench.app.db, given)
      expect([findings, timestamps_checked, newest_timestamp?.chain_position]).toEqual([[], 3, 3])
      const time = Number(newest_timestamp?.time)
      expect(time).toBeGreaterThanOrEqual(startedAt.getTime() - 1000)
      expect(time).toBeLessThanOrEqual(Date.now())
    }
  })

  it('names a timestamp of another head, and an unreadable one', async () => {
    const finding = (problem: string) => [`timestamp by ${authority.url} ${problem} at 2`]
    const other = await findingsAfter(replaceToken(await tokenAt(3)))
    expect(other).toEqual({ without: finding(OTHER_HEAD), trusting: finding(OTHER_HEAD) })
    const unreadable = finding('cannot be read, because it was altered')
    for (const token of [Buffer.alloc(0), Buffer.from('token'), (await tokenAt(2)).subarray(0, 900)])
      expect(await findingsAfter(replaceToken(token))).toEqual({ without: unreadable, trusting: unreadable })
  })

  it('names a timestamp whose head was altered, or whose run is missing', async () => {
    const altered = await findingsAfter((trx) =>
      trx
        .updateTable('identifai.sync_runs')
        .set({ chain_head: '0'.repeat(64) })
        .where('chain_position', '=', 2)
        .execute(),
    )
    expect(altered.without).toEqual([`timestamp by ${authority.url} ${OTHER_HEAD} at 2`])
    const removed = await findingsAfter((trx) =>
      trx.deleteFrom('identifai.sync_runs').where('chain_position', '=', 3).execute(),
    )
    expect(removed.without).toEqual([`timestamp by ${authority.url} ${OTHER_HEAD} at 3`])
  })

  it('names a chain without a timestamp where authorities are given', async () => {
    const removed = await findingsAfter((trx) => trx.deleteFrom('identifai.chain_timestamps').execute())
    expect(removed).toEqual({ without: [], trusting: ['the chain has no timestamp at null'] })
  })

  it('names a time that was altered only with the certificate of the authority', async () => {
    const token = Buffer.from(await tokenAt(2))
    const time = /20\d{12}\.?\d*Z/.exec(token.toString('latin1'))
    token.write('1999', Number(time?.index), 'latin1')
    const { without, trusting } = await findingsAfter(replaceToken(token))
    expect(without).toEqual([])
    expect(trusting).toEqual([
      expect.stringContaining('is not signed by an authority of the given certificates'),
    ])
  })

  it('does not accept the certificate of another authority', async () => {
    await using other = await startTimestampAuthority()
    const trusted = readAuthorities(readFileSync(path.join(other.folder, 'root.pem'), 'utf8'))
    const { findings } = await verifyChain(bench.app.db, { authorities: trusted })
    expect(findings).toHaveLength(3)
    expect(findings[0]?.problem).toContain('is not signed by an authority of the given certificates')
  })
})
