import { randomBytes } from 'node:crypto'
import { ENDPOINTS } from '../../media/registry.ts'
import type { ApiClient } from '../../pipeline/api/client.ts'
import { EXIT_CODE, PermanentError, RetryableError, ThrottledError } from '../../platform/errors.ts'
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
    if (reply.kind !== 'records') return { result: refusedRequest(reply.status), httpDate: null }
    // Throws where the response is no JSON array, such as the page of a proxy.
    Array.from(reply.records)
    return { result: ok('The API accepts the key.'), httpDate: reply.httpDate }
  } catch (error) {
    return { result: explain(error), httpDate: null }
  }
}

/** A 422 proves that the API has accepted the key. A 404 does not, because a wrong URL leads to it, too. */
function refusedRequest(status: number): Result {
  if (status !== 404) {
    return ok(`The API accepts the key. It responds with status ${status} to an unknown identifier.`)
  }
  return warning(
    'The API responds with status 404 to an unknown identifier. Either it accepts the key, or IDENTIFAI_API_URL is wrong.',
    'Run doctor --probe with an identifier that has a result, to find out which.',
  )
}

function explain(error: unknown): Result {
  if (error instanceof ThrottledError) {
    return warning(
      'The API accepts the key, but its quota is used up (429).',
      'Do nothing if a run is in progress. Otherwise find out which other program uses the same key.',
    )
  }
  if (error instanceof PermanentError) return failed(error.problem, error.remedy, error.exitCode)
  if (error instanceof RetryableError) {
    return failed(
      `The API gives no usable response (${error.message}).`,
      'Check the status page of the API, IDENTIFAI_API_URL, the firewall, HTTPS_PROXY and NO_PROXY.',
      EXIT_CODE.gaveUp,
    )
  }
  throw error
}
