import { createHmac } from 'node:crypto'
import { request } from 'undici'
import { retryAfterMs } from '../../pipeline/api/retry-after.ts'
import type { DaemonConfig } from '../../platform/config/daemon-config.ts'
import { separateCredentials } from '../../platform/credentials.ts'
import { createAgent } from '../../platform/http-agent.ts'
import { RETRY_POLICY } from '../../platform/retry.ts'
import type { Placed } from './notification.ts'

/** A response is not read, apart from its status. */
const MAX_RESPONSE_BYTES = 64 * 1024

/** A delivery that the receiver did not accept. */
export class DeliveryError extends Error {
  /** The pause that the receiver requires; undefined when it requires none. */
  readonly pauseMs: number | undefined

  constructor(message: string, pauseMs?: number) {
    super(message)
    this.name = 'DeliveryError'
    this.pauseMs = pauseMs
  }
}

/**
 * Sends one notification, signed as the specification Standard Webhooks requires: the HMAC-SHA256 of id, time and body.
 *
 * @throws DeliveryError unless the status is 2xx. Redirects are not followed.
 */
export async function post(
  { id, notification }: Pick<Placed, 'id' | 'notification'>,
  config: DaemonConfig,
  signal: AbortSignal,
): Promise<void> {
  const { forceWebhookUrl: url, forceWebhookSecret: secret } = config
  if (url === null || secret === null) return
  const receiver = separateCredentials(url)
  const body = JSON.stringify(notification)
  const time = String(Math.floor(Date.now() / 1000))
  const agent = createAgent(url, config, { maxResponseSize: MAX_RESPONSE_BYTES })
  const timeout = AbortSignal.timeout(RETRY_POLICY.webhook.timeoutMs)
  try {
    const {
      statusCode,
      headers,
      body: response,
    } = await request(receiver.url, {
      method: 'POST',
      body,
      dispatcher: agent,
      headers: {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': time,
        'webhook-signature': signatureOf(secret, `${id}.${time}.${body}`),
        ...receiver.headers,
      },
      signal: AbortSignal.any([signal, timeout]),
    })
    await response.dump().catch(() => {})
    if (statusCode >= 200 && statusCode < 300) return
    const pause = retryAfterMs(String(headers['retry-after'] ?? ''), { date: null, now: Date.now() })
    throw new DeliveryError(`the receiver responded with status ${statusCode}`, pause)
  } catch (error) {
    if (error instanceof DeliveryError) throw error
    const seconds = RETRY_POLICY.webhook.timeoutMs / 1000
    throw new DeliveryError(
      timeout.aborted ? `the receiver did not respond within ${seconds} seconds` : (error as Error).message,
    )
  } finally {
    await agent.destroy()
  }
}

/** The signature of a text with the secret, without its prefix, as key. */
function signatureOf(secret: string, text: string): string {
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
  return `v1,${createHmac('sha256', key).update(text).digest('base64')}`
}
