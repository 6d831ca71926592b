import { randomBytes } from 'node:crypto'
import { ENDPOINTS } from '../../media/registry.ts'
import type { ApiClient } from '../../pipeline/api/client.ts'
import {
  ApiKeyRefusedError,
  ApiResponseError,
  ApiUntrustedError,
  EXIT_CODE,
  RetryableError,
  ThrottledError,
} from '../../platform/errors.ts'
import { failed, ok, type Result, warning } from './finding.ts'

/** Makes up an identifier that no account has, in the format of identifAI: 64 hex digits. */
export function inventIdentifier(): string {
  return randomBytes(32).toString('hex')
}

/**
 * Checks that the API accepts the key, with one request for an unknown identifier. Also returns the `Date` header of the
 * response; null when there is none.
 */
export async function checkKey(
  api: ApiClient,
): Promise<{ readonly result: Result; readonly httpDate: Date | null }> {
  try {
    const request = { path: ENDPOINTS[0].path, identifiers: [inventIdentifier()] }
    const reply = await api.read(request, new AbortController().signal)
    if (reply.kind === 'records') return { result: ok('The API accepts the key.'), httpDate: reply.httpDate }
    return { result: refusedRequest(reply.status), httpDate: null }
  } catch (error) {
    return { result: explain(error), httpDate: null }
  }
}

/** A 422 proves that the API has accepted the key. A 404 does not, because a wrong URL leads to it, too. */
function refusedRequest(status: number): Result {
  if (status !== 404)
    return ok(`The API accepts the key: its response to an unknown identifier is ${status}.`)
  return warning(
    'The response to an unknown identifier is 404: the API accepts the key, or IDENTIFAI_API_URL is wrong.',
    'Run doctor --probe with an identifier that has a result, to find out which.',
  )
}

function explain(error: unknown): Result {
  const unreachable = (remedy: string) => failed((error as Error).message, remedy, EXIT_CODE.gaveUp)
  if (error instanceof ThrottledError) {
    return warning(
      `${error.message}: the API accepts the key, and its quota is used up.`,
      'Do nothing if a run is in progress. Otherwise find out which other program uses the same key.',
    )
  }
  if (error instanceof ApiKeyRefusedError) {
    return failed(error.message, 'Put the key of your identifAI account there.', EXIT_CODE.keyRefused)
  }
  if (error instanceof ApiResponseError)
    return unreachable(`Check IDENTIFAI_API_URL: it ends before ${ENDPOINTS[0].path}.`)
  if (error instanceof ApiUntrustedError)
    return unreachable(
      'Find out who issued the certificate before you trust it: a proxy may intercept the connection.',
    )
  if (error instanceof RetryableError)
    return unreachable('Check IDENTIFAI_API_URL and the network: a firewall, HTTPS_PROXY and NO_PROXY.')
  throw error
}
