import { promisify } from 'node:util'
import { gunzip, type ZlibOptions } from 'node:zlib'
import { Agent, type Dispatcher, request } from 'undici'
import { ApiAnswerError, ApiKeyRefusedError, ApiUnavailableError, ThrottledError } from '../errors.ts'
import type { Json } from '../json.ts'
import { requestTarget } from './request-target.ts'
import { retryAfterMs } from './retry-after.ts'

/** How much of an error body is worth keeping. */
const EVIDENCE_BYTES = 2000

/** A hundred records take a megabyte or so: what is larger than this is a mistake, and must not fill the memory. */
const MAX_BODY_BYTES = 256 * 1024 * 1024

/** What one request brought: records, or a refusal of the request as it stands. */
type ApiReply =
  | { readonly kind: 'answered'; readonly records: readonly Json[]; readonly httpDate: Date | null }
  /** 400, 404, 422: one of the identifiers may be the reason. 413, 414: there are too many of them. */
  | { readonly kind: 'refused' | 'too_long'; readonly status: number; readonly body: string }

export interface ApiClient extends AsyncDisposable {
  /**
   * Asks once for up to 100 identifiers, with the API's GET of many classifications. No retry, no quota.
   *
   * @throws ApiUnavailableError or ThrottledError when another try may help; ApiKeyRefusedError or ApiAnswerError when it cannot.
   */
  read(identifiers: readonly string[], signal: AbortSignal): Promise<ApiReply>
}

export interface ApiClientOptions {
  readonly baseUrl: string
  /** Path of the endpoint below the base URL. */
  readonly path: string
  readonly apiKey: string
  /** Time for one whole exchange, body included. */
  readonly timeoutMs: number
}

export function createApiClient(options: ApiClientOptions): ApiClient {
  const agent = new Agent({ connections: 64, maxResponseSize: MAX_BODY_BYTES })
  const place = `GET ${options.baseUrl}${options.path}`
  return {
    read: async (identifiers, signal) => {
      const timeout = AbortSignal.timeout(options.timeoutMs)
      try {
        const response = await request(options.baseUrl + requestTarget(options.path, identifiers), {
          dispatcher: agent,
          headers: { 'x-api-key': options.apiKey, accept: 'application/json', 'accept-encoding': 'gzip' },
          signal: AbortSignal.any([signal, timeout]),
        })
        const body = await plainBody(response)
        return interpret({ status: response.statusCode, headers: response.headers, body, place })
      } catch (error) {
        signal.throwIfAborted()
        if (isOurs(error)) throw error
        const reason = timeout.aborted
          ? `no whole answer within ${options.timeoutMs} ms`
          : (error as Error).message
        throw new ApiUnavailableError(`${place}: ${reason}`, { cause: error })
      }
    },
    [Symbol.asyncDispose]: () => agent.destroy(),
  }
}

async function plainBody({ headers, body }: Dispatcher.ResponseData): Promise<Buffer> {
  const bytes = Buffer.from(await body.arrayBuffer())
  if (!/^(x-)?gzip$/i.test(headers['content-encoding']?.toString() ?? '')) return bytes
  return promisify<Buffer, ZlibOptions, Buffer>(gunzip)(bytes, { maxOutputLength: MAX_BODY_BYTES })
}

interface Response {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
  readonly place: string
}

/** Only the status code decides; what an error body says is kept as evidence. */
function interpret({ status, headers, body, place }: Response): ApiReply {
  const date = parseDate(headers.date)
  if (status === 200) return { kind: 'answered', records: parseRecords(body, place), httpDate: date }
  const evidence = body.subarray(0, EVIDENCE_BYTES).toString('utf8')
  if ([400, 404, 422].includes(status)) return { kind: 'refused', status, body: evidence }
  if ([413, 414].includes(status)) return { kind: 'too_long', status, body: evidence }
  if (status === 429) {
    const waitMs = retryAfterMs(headers['retry-after']?.toString(), { date, now: Date.now() })
    throw new ThrottledError(`${place}: over the quota (429)`, waitMs)
  }
  if ([408, 425].includes(status) || status >= 500)
    throw new ApiUnavailableError(`${place}: status ${status}`)
  if (status === 401 || status === 403) {
    throw new ApiKeyRefusedError(`${place}: the API refuses the key (${status}). Check IDENTIFAI_API_KEY.`)
  }
  throw new ApiAnswerError(`${place}: unexpected status ${status}. Check IDENTIFAI_API_URL.`)
}

function parseRecords(body: Buffer, place: string): readonly Json[] {
  let answer: unknown
  try {
    // Fatal: a broken byte must not become a replacement character in somebody's evidence.
    answer = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch (cause) {
    throw new ApiUnavailableError(`${place}: the answer is not JSON`, { cause })
  }
  if (!Array.isArray(answer)) throw new ApiUnavailableError(`${place}: the answer is not a JSON array`)
  return answer
}

function parseDate(date: string | string[] | undefined): Date | null {
  const parsed = new Date(String(date))
  return Number.isNaN(parsed.getTime()) ? null : parsed
}

function isOurs(error: unknown): boolean {
  return [ApiUnavailableError, ThrottledError, ApiKeyRefusedError, ApiAnswerError].some(
    (type) => error instanceof type,
  )
}
