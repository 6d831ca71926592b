import { expect } from 'vitest'
import { examine } from '../../src/operations/doctor/examine.ts'
import { exitCodeOfFindings, type Finding } from '../../src/operations/doctor/finding.ts'
import { unknownVariables } from '../../src/platform/config/unknown-variables.ts'
import { type CannedApi, startCannedApi } from './canned-api.ts'

export type Responder = Parameters<typeof startCannedApi>[0]

export interface Examination {
  readonly findings: readonly Finding[]
  readonly exitCode: number
  /** Identifiers of each request. */
  readonly requests: CannedApi['requests']
  readonly found: (check: string) => Finding
}

/** Runs the doctor with a database and a canned API. */
export async function examination(options: {
  readonly databaseUrl: string
  readonly respond?: Responder
  readonly environment?: NodeJS.ProcessEnv
  readonly known?: string
}): Promise<Examination> {
  await using api = await startCannedApi(options.respond ?? (() => []))
  const environment = {
    DATABASE_URL: options.databaseUrl,
    IDENTIFAI_API_KEY: 'key',
    IDENTIFAI_API_URL: api.url,
    SYNC_REQUESTS_PER_SECOND: '1000',
    SYNC_REQUESTS_PER_MINUTE: '60000',
    ...options.environment,
  }
  const reported: Finding[] = []
  const onFinding = (finding: Finding) => reported.push(finding)
  const unknown = unknownVariables({ environment: Object.keys(environment), file: [] })
  const findings = await examine(environment, { unknown, known: options.known, onFinding })
  expect(reported).toEqual(findings)
  return {
    findings,
    exitCode: exitCodeOfFindings(findings),
    requests: api.requests,
    found: (check) => findings.find((finding) => finding.check === check) as Finding,
  }
}

/** Responds to every request with this status and body. */
export function responds(status: number, body: unknown = {}): Responder {
  return (_, response) => {
    response.statusCode = status
    return body
  }
}
