import { randomBytes } from 'node:crypto'
import {
  ApiResponseError,
  ApiKeyRefusedError,
  EXIT_CODE,
  ApiUntrustedError,
  RetryableError,
  ThrottledError,
} from '../../platform/errors.ts'
import type { ApiClient } from '../../pipeline/api/api-client.ts'
import { type Finding, failed, ok, warning } from './finding.ts'

/** An identifier that nobody has: 64 hex digits, as those of identifAI. */
export function inventIdentifier(): string {
  return randomBytes(32).toString('hex')
}

export interface KeyCheck {
  readonly finding: Finding
  /** `Date` header of the answer; null when none came, or without one. */
  readonly httpDate: Date | null
}

/**
 * Whether the API accepts the key: one request, for an identifier that nobody has. An empty answer, a 404 and a 422 all
 * mean that it does.
 */
export async function checkKey(api: ApiClient): Promise<KeyCheck> {
  try {
    const reply = await api.read([inventIdentifier()], new AbortController().signal)
    if (reply.kind === 'answered') {
      return { finding: ok('api', 'The API accepts the key.'), httpDate: reply.httpDate }
    }
    return { finding: refusedRequest(reply.status), httpDate: null }
  } catch (error) {
    return { finding: explain(error), httpDate: null }
  }
}

/** Whoever says so has seen the key; whether it was the API, a 404 does not tell. */
function refusedRequest(status: number): Finding {
  if (status !== 404) {
    return ok('api', `The API accepts the key; to an identifier that nobody has it says ${status}.`)
  }
  return warning(
    'api',
    'To an identifier that nobody has it says 404: that is how it may answer, and then it accepts the key.',
    'Or IDENTIFAI_API_URL is wrong. With --probe and an identifier that has a result, it becomes certain.',
  )
}

function explain(error: unknown): Finding {
  if (error instanceof ThrottledError) {
    return warning(
      'api',
      `${error.message}: it knows the key, and its quota is used up.`,
      'Nothing need be done if a pass is running now. Else find out what uses the same key.',
    )
  }
  if (error instanceof ApiKeyRefusedError) {
    return failed('api', error.message, 'Put the key of your identifAI account there.', EXIT_CODE.keyRefused)
  }
  if (error instanceof ApiResponseError) {
    const remedy = 'Check IDENTIFAI_API_URL: it ends before /classifications_audio.'
    return failed('api', error.message, remedy, EXIT_CODE.gaveUp)
  }
  if (error instanceof ApiUntrustedError) {
    const remedy = 'Find out whose certificate it is before you trust it: a proxy may stand in between.'
    return failed('api', error.message, remedy, EXIT_CODE.gaveUp)
  }
  if (error instanceof RetryableError) {
    const remedy = 'Check IDENTIFAI_API_URL, and the way there: a firewall, HTTPS_PROXY and NO_PROXY.'
    return failed('api', error.message, remedy, EXIT_CODE.gaveUp)
  }
  throw error
}
