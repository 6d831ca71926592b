import type { Endpoint } from '../../media/endpoint.ts'
import { EXIT_CODE, PermanentError, RetryableError } from '../../platform/errors.ts'
import type { ResponseRecord } from '../../pipeline/api/records.ts'
import type { ApiClient } from '../../pipeline/api/client.ts'
import { requestTarget } from '../../pipeline/api/request.ts'
import { isJsonObject, type Json } from '../../platform/json.ts'
import { inventIdentifier } from './check-key.ts'
import { type Finding, failed, ok, skipped, warning } from './finding.ts'

/** What one request of the probe brought. */
type Observed =
  | { readonly kind: 'answered'; readonly records: readonly Json[] }
  | { readonly kind: 'refused'; readonly how: string }

export interface ProbeOptions {
  readonly api: ApiClient
  readonly endpoint: Endpoint
  /** An identifier of the account that has a result. */
  readonly known: string
  /** Waits until the next request may leave. */
  readonly pace: () => Promise<void>
}

/**
 * Asks the live API what its documentation leaves open, in six requests; in one, if it does not know the identifier. Findings name fields and counts, never values:
 * they can be sent to anybody.
 */
export async function probeApi({ api, endpoint, known, pace }: ProbeOptions): Promise<Finding[]> {
  const ask = async (identifiers: readonly string[]): Promise<Observed> => {
    await pace()
    return observe(api, identifiers)
  }
  const invented = Array.from({ length: 100 }, inventIdentifier)
  const alone = await ask([known])
  const record =
    alone.kind === 'answered' ? alone.records.find((one) => identifierOf(one) === known) : undefined
  const first = aboutRecord(alone, record, endpoint)
  // Without a record that is there, nothing else would tell anything.
  if (!isJsonObject(record)) return [first, skipped('probe: the rest', 'What is wrong above comes first.')]
  const findings = [
    first,
    aboutUnknown(await ask([known, ...invented.slice(0, 1)]), known),
    aboutRepeated(await ask([known, known]), known),
    aboutFull(await ask([known, ...invented.slice(0, 99)]), endpoint, [known, ...invented.slice(0, 99)]),
    aboutTooMany(await ask([known, ...invented])),
  ]
  if (typeof record.hash === 'string') findings.push(aboutHash(await ask([record.hash])))
  return findings
}

async function observe(api: ApiClient, identifiers: readonly string[]): Promise<Observed> {
  try {
    const reply = await api.read(identifiers, new AbortController().signal)
    return reply.kind === 'answered'
      ? { kind: 'answered', records: reply.records.map(valueOf) }
      : { kind: 'refused', how: `it refuses the request (${reply.status})` }
  } catch (error) {
    if (error instanceof RetryableError || error instanceof PermanentError)
      return { kind: 'refused', how: error.message }
    throw error
  }
}

function aboutRecord(observed: Observed, record: Json | undefined, endpoint: Endpoint): Finding {
  const check = 'probe: known identifier'
  if (observed.kind === 'refused')
    return failed(check, `RequestSize for alone, ${observed.how}.`, ANOTHER, EXIT_CODE.usage)
  if (!isJsonObject(record)) return failed(check, 'It is not in the answer.', ANOTHER, EXIT_CODE.usage)
  const validation = endpoint.validate(record)
  const fields = Object.keys(record).toSorted().join(', ')
  if (!validation.accepted) {
    const places = validation.issues.map(({ path, message }) => `${path}: ${message}`).join('; ')
    return warning(
      check,
      `Its record does not fit the contract (${places}). Fields: ${fields}.`,
      'Tell us of it.',
    )
  }
  const unknown = Object.keys(validation.classification.extra)
  const more = unknown.length === 0 ? 'no field is unknown' : `unknown fields: ${unknown.join(', ')}`
  return ok(check, `Its record fits the contract; ${more}. Fields: ${fields}.`)
}

const ANOTHER = 'Give the identifier of a submission that has a result, in the account of the key.'

function aboutUnknown(observed: Observed, known: string): Finding {
  const check = 'probe: unknown identifier'
  if (observed.kind === 'refused')
    return ok(check, `Beside a known one, ${observed.how}: a pass takes such requests apart.`)
  const others = observed.records.filter((one) => identifierOf(one) !== known)
  if (others.length === 0) return ok(check, 'Beside a known one it is left out of the answer.')
  return ok(check, `Beside a known one it is answered by ${isJsonObject(others[0]) ? 'a record' : 'null'}.`)
}

function aboutRepeated(observed: Observed, known: string): Finding {
  const check = 'probe: the same identifier twice'
  if (observed.kind === 'refused') return ok(check, `RequestSize for twice in a request, ${observed.how}.`)
  const times = observed.records.filter((one) => identifierOf(one) === known).length
  return ok(
    check,
    `RequestSize for twice in a request, it is in the answer ${times === 1 ? 'once' : `${times} times`}.`,
  )
}

function aboutFull(observed: Observed, endpoint: Endpoint, identifiers: readonly string[]): Finding {
  const check = 'probe: a full request'
  const bytes = requestTarget(endpoint.path, identifiers).length
  if (observed.kind === 'answered') return ok(check, `100 identifiers, ${bytes} bytes, are taken.`)
  const remedy = `Set SYNC_MAX_URL_BYTES below ${bytes}; a pass that is refused halves its requests by itself.`
  return warning(check, `Of 100 identifiers, ${bytes} bytes, ${observed.how}.`, remedy)
}

function aboutTooMany(observed: Observed): Finding {
  const check = 'probe: one too many'
  if (observed.kind === 'answered') return ok(check, `101 identifiers are taken, though 100 are documented.`)
  return ok(check, `Of 101 identifiers, ${observed.how}.`)
}

function aboutHash(observed: Observed): Finding {
  const check = 'probe: a file hash'
  if (observed.kind === 'refused') return ok(check, `RequestSize by the hash of its file, ${observed.how}.`)
  const how =
    observed.records.filter(isJsonObject).length === 0 ? 'nothing is returned' : 'something is returned'
  return ok(check, `RequestSize by the hash of its file, ${how}; identifiers are asked for all the same.`)
}

function valueOf(record: ResponseRecord): Json {
  return record.kind === 'read' ? record.value : null
}

function identifierOf(record: Json): unknown {
  return isJsonObject(record) ? record.identifier : undefined
}
