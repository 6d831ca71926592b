import { randomBytes } from 'node:crypto'
import { Integer } from 'asn1js'
import { request } from 'undici'
import type { RunTools } from '../../pipeline/run/run.ts'
import { readFirstRunId } from '../../pipeline/seal/chain-tree.ts'
import { checkpointText } from '../../pipeline/seal/checkpoint.ts'
import type { SyncConfig } from '../../platform/config/config.ts'
import { separateCredentials } from '../../platform/credentials.ts'
import { createAgent } from '../../platform/http-agent.ts'
import { retryDatabase } from '../../platform/postgres/retry-database.ts'
import type { SyncRunRow } from '../../platform/postgres/tables/runs.ts'
import { decodeReply, encodeQuery, isTimestampOf } from './token.ts'

/** A token with its certificates has a few kilobytes. */
const MAX_REPLY_BYTES = 1024 * 1024

type Tools = Pick<RunTools, 'config' | 'db' | 'logger'>

/**
 * Requests a timestamp of the head of a sealed run from each configured authority, and stores it. Never rejects: a failure is
 * logged, and the next run requests a timestamp of its own head, which also covers this one.
 */
export async function requestTimestamps(
  { config, db, logger }: Tools,
  { chain_position: chainPosition, chain_head: chainHead }: SyncRunRow,
  signal: AbortSignal,
): Promise<void> {
  if (chainPosition === null || chainHead === null || signal.aborted) return
  const root = Buffer.from(chainHead, 'hex')
  const store = async (url: string, authority: string) => {
    const checkpoint = checkpointText(await readFirstRunId(db), { size: chainPosition, root })
    const token = await requestToken(url, checkpoint, config, signal)
    const row = { chain_position: chainPosition, authority, token }
    const insert = db.insertInto('identifai.chain_timestamps').values(row)
    // It exists already when this is repeated after a commit whose result was lost.
    await retryDatabase(() => insert.onConflict((conflict) => conflict.doNothing()).execute(), logger)
  }
  const requests = config.sealTimestampUrl.map(async (url) => {
    const authority = separateCredentials(url).url.href
    await store(url, authority).catch(({ message: reason }: Error) => {
      logger.warn({ authority, chainPosition, reason }, 'timestamp request failed')
    })
  })
  await Promise.all(requests)
}

/**
 * Requests a timestamp and returns the reply, which has the right imprint and nonce. Its signature is verified later, with
 * certificates that an auditor trusts.
 */
async function requestToken(
  url: string,
  checkpoint: string,
  config: SyncConfig,
  signal: AbortSignal,
): Promise<Buffer> {
  const nonce = Integer.fromBigInt(randomBytes(8).readBigUInt64BE())
  const reply = await post(url, await encodeQuery(checkpoint, nonce), config, signal)
  const timestamp = decodeReply(reply)
  if (!isTimestampOf(checkpoint, timestamp)) throw new Error('the reply is a timestamp of other data')
  if (!timestamp.info.nonce?.isEqual(nonce)) throw new Error('the reply is to another request')
  return reply
}

async function post(url: string, query: Buffer, config: SyncConfig, signal: AbortSignal): Promise<Buffer> {
  const authority = separateCredentials(url)
  const agent = createAgent(url, config, { maxResponseSize: MAX_REPLY_BYTES })
  try {
    const { statusCode, body } = await request(authority.url, {
      method: 'POST',
      body: query,
      dispatcher: agent,
      headers: {
        'content-type': 'application/timestamp-query',
        ...authority.headers,
      },
      signal: AbortSignal.any([signal, AbortSignal.timeout(config.requestTimeoutMs)]),
    })
    const reply = Buffer.from(await body.arrayBuffer())
    if (statusCode !== 200) throw new Error(`status ${statusCode}`)
    return reply
  } finally {
    await agent.destroy()
  }
}
