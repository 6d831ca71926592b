import { randomBytes } from 'node:crypto'
import type { Kysely } from 'kysely'
import { ENDPOINTS } from '../../media/registry.ts'
import { type ApiClient, type ApiRefusal, type ApiReply, isPage } from '../../pipeline/api/client.ts'
import { readLastConfirmed } from '../../pipeline/queue/claim.ts'
import { VARIABLES } from '../../platform/config/variables.ts'
import {
  ApiUnavailableError,
  EXIT_CODE,
  PermanentError,
  RetryableError,
  ThrottledError,
} from '../../platform/errors.ts'
import type { Database } from '../../platform/postgres/database.ts'
import { timeText } from '../../platform/time.ts'
import { failed, ok, type Result, warning } from './finding.ts'

/** Makes up an identifier that no account has, in the format of identifAI: 64 hex digits. */
export function inventIdentifier(): string {
  return randomBytes(32).toString('hex')
}

/** Where to compare the address with. */
const DEFAULT_URL = VARIABLES.IDENTIFAI_API_URL.default

/** An older confirmation proves nothing, because the vendor may have deleted the result since. */
const RECENT_MS = 7 * 24 * 60 * 60_000

/** The tools of the check. */
interface ApiCheck {
  readonly api: ApiClient
  /** Null when there are no tables. */
  readonly db: Kysely<Database> | null
  /** Waits until the quota allows the next request. */
  readonly takeSlot: () => Promise<void>
}

/**
 * Checks that the address leads to the API, and that the API accepts the key. Requests an unknown identifier, and a known one
 * if that gets a 404. Also returns the `Date` header of the response; null when there is none.
 */
export async function checkApi(
  check: ApiCheck,
): Promise<{ readonly result: Result; readonly httpDate: Date | null }> {
  try {
    const reply = await request(check, inventIdentifier())
    if (reply.kind !== 'records') return { result: await explainRefusal(check, reply), httpDate: null }
    return { result: ok('The API accepts the key.'), httpDate: reply.httpDate }
  } catch (error) {
    return { result: explain(error), httpDate: null }
  }
}

async function request({ api, takeSlot }: ApiCheck, identifier: string): Promise<ApiReply> {
  await takeSlot()
  const reply = await api.read(
    { path: ENDPOINTS[0].path, identifiers: [identifier] },
    new AbortController().signal,
  )
  // Throws where the response is no JSON array, such as the page of a proxy.
  if (reply.kind === 'records') Array.from(reply.records)
  return reply
}

/** A 422 proves that the API has accepted the key. A 404 does not, because a wrong path leads to it, too. */
async function explainRefusal(check: ApiCheck, { status, body }: ApiRefusal): Promise<Result> {
  const accepted = ok(`The API accepts the key. It responds with status ${status} to an unknown identifier.`)
  if (status !== 404) return accepted
  if (isPage(body)) {
    return failed(
      'The response has status 404 and is not JSON, so the path of IDENTIFAI_API_URL is wrong.',
      `Correct IDENTIFAI_API_URL. The default is ${DEFAULT_URL}.`,
      EXIT_CODE.gaveUp,
    )
  }
  const known = check.db && (await readLastConfirmed(check.db, ENDPOINTS[0].media))
  if (!known || Date.now() - known.confirmedAt.getTime() > RECENT_MS) {
    return warning(
      'The API responds with status 404 to an unknown identifier. Either the path of IDENTIFAI_API_URL is wrong, or the API does so for each identifier that it does not have.',
      `Compare IDENTIFAI_API_URL with the default, ${DEFAULT_URL}. Then run doctor --probe with an identifier that has a result.`,
    )
  }
  const reply = await request(check, known.identifier)
  if (reply.kind === 'records' || reply.status !== 404) return accepted
  return failed(
    `The API responds with status 404 even to an identifier that it returned at ${timeText(known.confirmedAt)}. The path of IDENTIFAI_API_URL is wrong, or the key is that of another account.`,
    `Correct IDENTIFAI_API_URL (the default is ${DEFAULT_URL}) or IDENTIFAI_API_KEY.`,
    EXIT_CODE.gaveUp,
  )
}

function explain(error: unknown): Result {
  if (error instanceof ThrottledError) {
    return warning(
      'The API accepts the key, but its quota is used up (429).',
      'Do nothing if a run is in progress. Otherwise find out which other program uses the same key.',
    )
  }
  if (error instanceof ApiUnavailableError && error.isPage) {
    return failed(
      `The address does not lead to the API (${error.message}).`,
      `Correct IDENTIFAI_API_URL: the default is ${DEFAULT_URL}. If it is correct, check HTTPS_PROXY and NO_PROXY.`,
      EXIT_CODE.gaveUp,
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
