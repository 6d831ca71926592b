import { type Dispatcher, request } from 'undici'
import type { SyncConfig } from '../../platform/config/config.ts'
import {
  ApiKeyRefusedError,
  ApiResponseError,
  ApiUnavailableError,
  ApiUntrustedError,
  ThrottledError,
} from '../../platform/errors.ts'
import { createAgent } from '../../platform/http-agent.ts'
import { storable } from '../../platform/text.ts'
import { isUntrustedCertificate } from '../../platform/untrusted-certificate.ts'
import { decoded } from './decode.ts'
import { type LastRecords, parseRecords, type ResponseRecord } from './records.ts'
import { requestTarget } from './request.ts'
import { retryAfterMs } from './retry-after.ts'

/** Length of an error body that is kept as evidence. */
const EVIDENCE_CHARACTERS = 2000

/** Length of an unexpected body that an error quotes. */
const QUOTED_CHARACTERS = 100

/** A hundred records are about a megabyte. A larger body is an error, and must not fill the memory. */
const MAX_BODY_BYTES = 256 * 1024 * 1024

/** The response to one request: records, or a refusal of the request as a whole. */
export type ApiReply =
  | {
      readonly kind: 'records'
      /** To be read once. Throws ApiUnavailableError, after some records perhaps, where the body is not a JSON array. */
      readonly records: Iterable<ResponseRecord>
      readonly httpDate: Date | null
    }
  | ApiRefusal

/** 400, 404, 422: one of the identifiers may be the reason. 413, 414: there are too many of them. */
export interface ApiRefusal {
  readonly kind: 'refused' | 'too_long'
  readonly status: number
  readonly body: string
}

export interface ApiRequest {
  /** Path of the medium's endpoint below the base URL. */
  readonly path: string
  /** Up to 100. */
  readonly identifiers: readonly string[]
  /** Records that are not parsed again when they are identical. */
  readonly lastRecords?: LastRecords
}

export interface ApiClient extends AsyncDisposable {
  /**
   * Sends one GET of many classifications. No retry, no quota.
   *
   * @throws ApiUnavailableError or ThrottledError when another attempt may help; ApiKeyRefusedError, ApiUntrustedError or
   *   ApiResponseError when it cannot.
   */
  read(request: ApiRequest, signal: AbortSignal): Promise<ApiReply>
}

export interface ApiClientOptions extends Pick<SyncConfig, 'httpsProxy' | 'noProxy'> {
  readonly baseUrl: string
  readonly apiKey: string
  /** Time for one whole exchange, body included. */
  readonly timeoutMs: number
  /** Called when a request has ended: with its status, null without a response, and its duration. */
  readonly onEnded?: (status: number | null, seconds: number) => void
}

export function createApiClient(options: ApiClientOptions): ApiClient {
  // The time limit of the whole exchange is that of the caller.
  const limits = { connections: 64, maxResponseSize: MAX_BODY_BYTES, headersTimeout: 0, bodyTimeout: 0 }
  const agent = createAgent(options.baseUrl, options, limits)
  return {
    read: async ({ path, identifiers, lastRecords = new Map() }, signal) => {
      const place = `GET ${options.baseUrl}${path}`
      const timeout = AbortSignal.timeout(options.timeoutMs)
      const startedAt = performance.now()
      let status: number | null = null
      try {
        const response = await request(options.baseUrl + requestTarget(path, identifiers), {
          dispatcher: agent,
          headers: { 'x-api-key': options.apiKey, accept: 'application/json', 'accept-encoding': 'gzip' },
          signal: AbortSignal.any([signal, timeout]),
        })
        const { headers } = response
        status = response.statusCode
        const date = parseDate(headers.date)
        if (status === 200) {
          const contentType = headers['content-type']?.toString() ?? 'no content type'
          const accepted = { place, contentType, apiKey: options.apiKey, body: await plainBody(response) }
          const records = readRecords(accepted, lastRecords)
          return { kind: 'records', records, httpDate: date }
        }
        const body = await evidenceOf(response, options.apiKey)
        return interpret({ status, retryAfter: headers['retry-after']?.toString(), date, body, place })
      } catch (error) {
        signal.throwIfAborted()
        if (isOwnError(error)) throw error
        if (isUntrustedCertificate((error as NodeJS.ErrnoException).code)) {
          throw new ApiUntrustedError(place, error as Error)
        }
        const reason = timeout.aborted
          ? `no whole response within ${options.timeoutMs} ms`
          : (error as Error).message
        throw new ApiUnavailableError(`${place}: ${reason}`, { cause: error })
      } finally {
        if (!signal.aborted) options.onEnded?.(status, (performance.now() - startedAt) / 1000)
      }
    },
    [Symbol.asyncDispose]: () => agent.destroy(),
  }
}

async function plainBody({ headers, body }: Dispatcher.ResponseData): Promise<Buffer> {
  const bytes = Buffer.from(await body.arrayBuffer())
  return decoded(bytes, headers['content-encoding']?.toString() ?? '', MAX_BODY_BYTES)
}

/** The text of an error body, cut; empty for a body that cannot be read. */
async function evidenceOf(response: Dispatcher.ResponseData, apiKey: string): Promise<string> {
  const body = await plainBody(response).catch(() => Buffer.alloc(0))
  return textOf(body, apiKey).slice(0, EVIDENCE_CHARACTERS).toWellFormed()
}

function beginningOf(body: Buffer, apiKey: string): string {
  return storable(textOf(body, apiKey).trim().slice(0, QUOTED_CHARACTERS).toWellFormed())
}

/** Text without the key, which a server may echo, also encoded as a part of a URL or of JSON. */
function textOf(body: Buffer, apiKey: string): string {
  const forms = [apiKey, encodeURIComponent(apiKey), JSON.stringify(apiKey).slice(1, -1)]
  return forms.reduce((text, form) => text.replaceAll(form, '[redacted]'), body.toString('utf8'))
}

interface ErrorResponse {
  readonly status: number
  readonly retryAfter: string | undefined
  readonly date: Date | null
  readonly body: string
  readonly place: string
}

/** Decides by the status code only; the body is kept as evidence. */
function interpret({ status, retryAfter, date, body, place }: ErrorResponse): ApiReply {
  if ([400, 404, 422].includes(status)) return { kind: 'refused', status, body }
  if ([413, 414].includes(status)) return { kind: 'too_long', status, body }
  const pauseMs = retryAfterMs(retryAfter, { date, now: Date.now() })
  if (status === 429) throw new ThrottledError(`${place}: over the quota (429)`, pauseMs)
  if ([408, 425].includes(status) || status >= 500)
    throw new ApiUnavailableError(`${place}: status ${status}`, { retryAfterMs: pauseMs })
  if (status === 401 || status === 403) {
    throw new ApiKeyRefusedError(
      `${place}: the API refuses the key (${status}).`,
      'Set IDENTIFAI_API_KEY, or the file of IDENTIFAI_API_KEY_FILE, to the key of your identifAI account.',
    )
  }
  throw new ApiResponseError(
    `${place}: the API responded with the unexpected status ${status}.`,
    'Check IDENTIFAI_API_URL: it is the address without the path of an endpoint.',
  )
}

/** Returns true for the beginning of a text that is not the JSON of an API. */
export function isPage(body: string): boolean {
  return /^\s*[^\s[{]/.test(body)
}

interface Accepted {
  readonly body: Buffer
  readonly contentType: string
  readonly apiKey: string
  readonly place: string
}

function* readRecords(
  { body, contentType, apiKey, place }: Accepted,
  last: LastRecords,
): Generator<ResponseRecord> {
  try {
    yield* parseRecords(body, last)
  } catch (cause) {
    const beginning = beginningOf(body, apiKey)
    throw new ApiUnavailableError(
      `${place}: the response is not a JSON array, but ${contentType}: ${beginning}`,
      { cause, isPage: isPage(beginning) },
    )
  }
}

function parseDate(date: string | string[] | undefined): Date | null {
  const parsed = new Date(String(date))
  return Number.isNaN(parsed.getTime()) ? null : parsed
}

function isOwnError(error: unknown): boolean {
  return [ApiUnavailableError, ThrottledError, ApiKeyRefusedError, ApiResponseError].some(
    (type) => error instanceof type,
  )
}
