import type { Endpoint } from '../../media/endpoint.ts'
import type { ApiClient, ApiRequest } from '../../pipeline/api/client.ts'
import { requestTarget } from '../../pipeline/api/request.ts'
import { EXIT_CODE, PermanentError, RetryableError } from '../../platform/errors.ts'
import { isJsonObject, type Json } from '../../platform/json.ts'
import { inventIdentifier } from './check-api.ts'
import { failed, ok, type Result, skipped, warning } from './finding.ts'

/** The response to one request of the probe: its records, or how it was refused. */
type Observed = readonly Json[] | string

/**
 * Tests how the live API behaves where its documentation is silent. Takes six requests, or one when the API does not
 * return the identifier. The results contain field names and counts, never values, so that they can be shared.
 */
export async function probeApi(options: {
  readonly api: ApiClient
  readonly endpoint: Endpoint
  /** An identifier of the account that has a result. */
  readonly known: string
  /** Waits until the quota allows the next request. */
  readonly takeSlot: () => Promise<void>
}): Promise<Result[]> {
  const { api, endpoint, known } = options
  const request = async (identifiers: readonly string[]): Promise<Observed> => {
    await options.takeSlot()
    return observe(api, { path: endpoint.path, identifiers })
  }
  const unknown = Array.from({ length: 100 }, inventIdentifier)
  const alone = await request([known])
  const record = typeof alone === 'string' ? alone : alone.find((one) => identifierOf(one) === known)
  const first = { part: 'known identifier', ...describeRecord(record, endpoint) }
  // The other responses mean nothing without a record to compare them with.
  if (!isJsonObject(record)) return [first, { part: 'the rest', ...skipped() }]
  const pair = [known, ...unknown.slice(0, 1)]
  const full = [known, ...unknown.slice(0, 99)]
  const { length } = requestTarget(endpoint.path, full)
  const results = [
    first,
    { part: 'unknown identifier', ...describeUnknown(await request(pair), known) },
    { part: 'the same identifier twice', ...describeRepeated(await request([known, known]), known) },
    { part: 'a full request', ...describeFull(await request(full), length) },
    { part: 'one too many', ...describeTooMany(await request([known, ...unknown])) },
  ]
  if (typeof record.hash === 'string')
    results.push({ part: 'a file hash', ...describeHash(await request([record.hash])) })
  return results
}

async function observe(api: ApiClient, request: ApiRequest): Promise<Observed> {
  try {
    const reply = await api.read(request, new AbortController().signal)
    return reply.kind === 'records'
      ? Array.from(reply.records, (record) => (record.kind === 'read' ? record.value : null))
      : `the API refuses the request (${reply.status})`
  } catch (error) {
    if (error instanceof PermanentError)
      return `the API does not respond as expected (${error.problem.replace(/\.$/, '')})`
    if (error instanceof RetryableError) return `the API does not respond as expected (${error.message})`
    throw error
  }
}

const OTHER_IDENTIFIER =
  'Give the identifier of a submission that has a result, from the account of the API key. If it is one, check IDENTIFAI_API_URL.'

/** @param record How the request was refused, if it is a string. */
function describeRecord(record: Json | undefined, endpoint: Endpoint): Result {
  if (typeof record === 'string')
    return failed(`The request with this identifier failed: ${record}.`, OTHER_IDENTIFIER, EXIT_CODE.usage)
  if (!isJsonObject(record)) {
    return failed('The API does not return this identifier.', OTHER_IDENTIFIER, EXIT_CODE.usage)
  }
  const validation = endpoint.validate(record)
  const fields = Object.keys(record).toSorted().join(', ')
  if (!validation.accepted) {
    const issues = validation.issues.map(({ path, message }) => `${path}: ${message}`).join('; ')
    return warning(
      `The record does not fit the contract (${issues}). Its fields: ${fields}.`,
      'Check for a newer identifai-sync, or report this to its maintainers.',
    )
  }
  const unknown = Object.keys(validation.classification.extra)
  const drift =
    unknown.length === 0 ? 'no field is unknown' : `these fields are unknown: ${unknown.join(', ')}`
  return ok(`The record fits the contract, and ${drift}. Its fields: ${fields}.`)
}

function describeUnknown(observed: Observed, known: string): Result {
  if (typeof observed === 'string')
    return ok(
      `For a request with a known and an unknown identifier, ${observed}. A run splits such requests.`,
    )
  const others = observed.filter((one) => identifierOf(one) !== known)
  if (others.length === 0) return ok('The response leaves out an unknown identifier.')
  const element = isJsonObject(others[0]) ? 'a record' : 'null'
  return ok(`The response has ${element} for an unknown identifier.`)
}

function describeRepeated(observed: Observed, known: string): Result {
  if (typeof observed === 'string') return ok(`For a request with the same identifier twice, ${observed}.`)
  const count = observed.filter((one) => identifierOf(one) === known).length
  const times = count === 1 ? 'once' : `${count} times`
  return ok(`An identifier that is twice in a request is in the response ${times}.`)
}

function describeFull(observed: Observed, bytes: number): Result {
  if (typeof observed !== 'string') return ok(`The API accepts 100 identifiers, ${bytes} bytes.`)
  return warning(
    `For a request with 100 identifiers, ${bytes} bytes, ${observed}.`,
    `Set SYNC_MAX_URL_BYTES below ${bytes}. Otherwise each run halves the requests that are refused.`,
  )
}

function describeTooMany(observed: Observed): Result {
  if (typeof observed !== 'string')
    return ok('The API accepts 101 identifiers, although its documentation allows 100.')
  return ok(`For a request with 101 identifiers, ${observed}.`)
}

function describeHash(observed: Observed): Result {
  if (typeof observed === 'string') return ok(`For a request with the file hash, ${observed}.`)
  const records = observed.filter(isJsonObject).length === 0 ? 'no record' : 'a record'
  return ok(`The response to a request with the file hash has ${records}. Runs request identifiers only.`)
}

function identifierOf(record: Json): unknown {
  return isJsonObject(record) ? record.identifier : undefined
}
