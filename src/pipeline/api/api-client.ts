import { promisify } from 'node:util'
import { gunzip, type ZlibOptions } from 'node:zlib'
import { Agent, type Dispatcher, EnvHttpProxyAgent, request } from 'undici'
import {
  ApiResponseError,
  ApiKeyRefusedError,
  ApiUnavailableError,
  ApiUntrustedError,
  ThrottledError,
} from '../../platform/errors.ts'
import { isUntrustedCertificate } from '../../platform/untrusted-certificate.ts'
import { type ResponseRecord, parseRecords, type IdenticalRecords } from './response-records.ts'
import { requestTarget } from './request-target.ts'
import { retryAfterMs } from './retry-after.ts'

/** How much of an error body is worth keeping. */
const EVIDENCE_CHARACTERS = 2000

/** A hundred records take a megabyte or so: what is larger than this is a mistake, and must not fill the memory. */
const MAX_BODY_BYTES = 256 * 1024 * 1024

/** What one request brought: records, or a refusal of the request as it stands. */
type ApiReply =
  | { readonly kind: 'answered'; readonly records: readonly ResponseRecord[]; readonly httpDate: Date | null }
  /** 400, 404, 422: one of the identifiers may be the reason. 413, 414: there are too many of them. */
  | { readonly kind: 'refused' | 'too_long'; readonly status: number; readonly body: string }

export interface ApiClient extends AsyncDisposable {
  /**
   * Asks once for up to 100 identifiers, with the API's GET of many classifications. No retry, no quota.
   *
   * @param known Records that are not read again when they come as they were.
   * @throws ApiUnavailableError or ThrottledError when another try may help; ApiKeyRefusedError, ApiUntrustedError or ApiResponseError when it cannot.
   */
  read(identifiers: readonly string[], signal: AbortSignal, known?: IdenticalRecords): Promise<ApiReply>
}

export interface ApiClientOptions {
  readonly baseUrl: string
  /** Path of the endpoint below the base URL. */
  readonly path: string
  readonly apiKey: string
  /** Time for one whole exchange, body included. */
  readonly timeoutMs: number
  /** URL of the proxy that requests go through; directly when null. */
  readonly proxy: string | null
  /** Hosts that are asked directly all the same, separated by commas. */
  readonly noProxy: string
  /** Told of each request when it has ended: its status, null where no answer came, and how long it took. */
  readonly onEnded?: (status: number | null, seconds: number) => void
}

export function createApiClient(options: ApiClientOptions): ApiClient {
  const agent = createAgent(options)
  const place = `GET ${options.baseUrl}${options.path}`
  return {
    read: async (identifiers, signal, known = new Map()) => {
      const timeout = AbortSignal.timeout(options.timeoutMs)
      const startedAt = performance.now()
      let status: number | null = null
      try {
        const response = await request(options.baseUrl + requestTarget(options.path, identifiers), {
          dispatcher: agent,
          headers: { 'x-api-key': options.apiKey, accept: 'application/json', 'accept-encoding': 'gzip' },
          signal: AbortSignal.any([signal, timeout]),
        })
        const { headers } = response
        status = response.statusCode
        const date = parseDate(headers.date)
        if (status === 200) {
          const records = readRecords(await plainBody(response), known, place)
          return { kind: 'answered', records, httpDate: date }
        }
        const body = await evidenceOf(response, options.apiKey)
        return interpret({ status, retryAfter: headers['retry-after']?.toString(), date, body, place })
      } catch (error) {
        signal.throwIfAborted()
        if (isOurs(error)) throw error
        if (isUntrustedCertificate((error as NodeJS.ErrnoException).code)) {
          throw new ApiUntrustedError(place, error as Error)
        }
        const reason = timeout.aborted
          ? `no whole answer within ${options.timeoutMs} ms`
          : (error as Error).message
        throw new ApiUnavailableError(`${place}: ${reason}`, { cause: error })
      } finally {
        if (!signal.aborted) options.onEnded?.(status, (performance.now() - startedAt) / 1000)
      }
    },
    [Symbol.asyncDispose]: () => agent.destroy(),
  }
}

function createAgent({ proxy, noProxy }: ApiClientOptions): Agent | EnvHttpProxyAgent {
  const limits = { connections: 64, maxResponseSize: MAX_BODY_BYTES }
  return proxy === null ? new Agent(limits) : new EnvHttpProxyAgent({ ...limits, httpsProxy: proxy, noProxy })
}

async function plainBody({ headers, body }: Dispatcher.ResponseData): Promise<Buffer> {
  const bytes = Buffer.from(await body.arrayBuffer())
  if (!/^(x-)?gzip$/i.test(headers['content-encoding']?.toString() ?? '')) return bytes
  return promisify<Buffer, ZlibOptions, Buffer>(gunzip)(bytes, { maxOutputLength: MAX_BODY_BYTES })
}

/** What an error body says, cut short, and without the key should it be echoed; a broken one says nothing. */
async function evidenceOf(response: Dispatcher.ResponseData, apiKey: string): Promise<string> {
  const body = await plainBody(response).catch(() => Buffer.alloc(0))
  return body.toString('utf8').replaceAll(apiKey, '[redacted]').slice(0, EVIDENCE_CHARACTERS).toWellFormed()
}

interface ErrorResponse {
  readonly status: number
  readonly retryAfter: string | undefined
  readonly date: Date | null
  readonly body: string
  readonly place: string
}

/** Only the status code decides; what the body says is kept as evidence. */
function interpret({ status, retryAfter, date, body, place }: ErrorResponse): ApiReply {
  if ([400, 404, 422].includes(status)) return { kind: 'refused', status, body }
  if ([413, 414].includes(status)) return { kind: 'too_long', status, body }
  if (status === 429) {
    const waitMs = retryAfterMs(retryAfter, { date, now: Date.now() })
    throw new ThrottledError(`${place}: over the quota (429)`, waitMs)
  }
  if ([408, 425].includes(status) || status >= 500)
    throw new ApiUnavailableError(`${place}: status ${status}`)
  if (status === 401 || status === 403) {
    throw new ApiKeyRefusedError(`${place}: the API refuses the key (${status}). Check IDENTIFAI_API_KEY.`)
  }
  throw new ApiResponseError(`${place}: unexpected status ${status}. Check IDENTIFAI_API_URL.`)
}

function readRecords(body: Buffer, known: IdenticalRecords, place: string): readonly ResponseRecord[] {
  let records: readonly ResponseRecord[] | undefined
  try {
    records = parseRecords(body, known)
  } catch (cause) {
    throw new ApiUnavailableError(`${place}: the answer is not JSON`, { cause })
  }
  if (!records) throw new ApiUnavailableError(`${place}: the answer is not a JSON array`)
  return records
}

function parseDate(date: string | string[] | undefined): Date | null {
  const parsed = new Date(String(date))
  return Number.isNaN(parsed.getTime()) ? null : parsed
}

function isOurs(error: unknown): boolean {
  return [ApiUnavailableError, ThrottledError, ApiKeyRefusedError, ApiResponseError].some(
    (type) => error instanceof type,
  )
}
