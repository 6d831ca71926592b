import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { readLines } from '../../../platform/read-lines.ts'
import { UsageError } from '../../../platform/errors.ts'
import { parseObject } from '../bundle/lines.ts'
import type { Given } from '../../verify/findings.ts'
import { verifyBundle } from '../bundle/verify-bundle.ts'
import { reportSchema } from '../schema.ts'
import { verifyReport } from '../verify-report.ts'

export type FileVerification = Awaited<ReturnType<typeof verifyFile>>

/**
 * Verifies a JSON report or a bundle from itself alone, without a database. The keys of the result are those of the JSON
 * output. `runs` and `leaves` are those whose hashes were checked; a report has none. `is_complete` is the statement of the
 * report, and null when it cannot be read.
 *
 * @param given Facts that were kept elsewhere, with which a bundle is compared.
 * @throws UsageError when the file cannot be read, or is neither, or when authorities are given.
 */
export async function verifyFile(path: string, given: Given) {
  if (given.authorities !== undefined) {
    throw new UsageError(
      '--trust applies to the database only, because a file has no timestamps.',
      'Leave it out. docs/compliance.md has the commands of OpenSSL for a timestamp of the chain head.',
    )
  }
  try {
    if (!(await isBundle(path))) return await verifyReportFile(path, given)
    // node:readline would also end a line at U+2028, which a name may contain.
    const lines = readLines(onlyUtf8(createReadStream(path)), Number.POSITIVE_INFINITY)
    return { file: 'bundle' as const, ...(await verifyBundle(lines, given)) }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === undefined || error instanceof UsageError) throw error
    throw new UsageError(`${path} cannot be read (${message}).`, 'Give a bundle or a JSON report.', {
      cause: error,
    })
  }
}

async function verifyReportFile(path: string, { head, key }: Given) {
  if (head !== undefined || key !== undefined) {
    throw new UsageError(
      '--head and --key apply to a bundle or the database only, because a report alone has no chain.',
      'Leave them out, or give a bundle.',
    )
  }
  const { data: report, error } = reportSchema.safeParse(parseObject(await readFile(path, 'utf8')))
  if (!report) {
    const [issue] = error.issues
    throw new UsageError(
      `${path} is neither a bundle nor a report of docs/report.schema.json (at /${issue?.path.join('/')}: ${issue?.message}).`,
      'Give a file of report bundle, or of report forced --format json.',
    )
  }
  const { chain_position, chain_head } = report.head.as_of
  return {
    file: 'report' as const,
    events: report.events.length,
    decisions: report.decisions.length,
    redacted: report.events.length - report.personal_values.length,
    data_digest: report.data_digest,
    period: report.head.period,
    as_of: report.head.as_of.finished_at,
    is_complete: report.head.coverage.is_complete,
    runs: 0,
    leaves: 0,
    given_head_at: null,
    is_signed: null,
    chain_position,
    chain_head,
    findings: verifyReport(report),
  }
}

/** Throws a TypeError with a code at bytes that are not UTF-8. Otherwise they would be read as U+FFFD, which a name can have. */
async function* onlyUtf8(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  for await (const chunk of stream) {
    decoder.decode(chunk, { stream: true })
    yield chunk
  }
  decoder.decode()
}

/** A bundle begins with a line of its own; a report is one document over many lines. */
async function isBundle(path: string): Promise<boolean> {
  for await (const chunk of createReadStream(path, { encoding: 'utf8', end: 99 })) {
    return /^\s*\{\s*"bundle_version"/.test(String(chunk))
  }
  return false
}
