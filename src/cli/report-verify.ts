import type { KeyObject } from 'node:crypto'
import { Command } from '@commander-js/extra-typings'
import type { Certificate } from 'pkijs'
import type { FileVerification } from '../compliance/report/read/verify-file.ts'
import type { Finding } from '../compliance/verify/findings.ts'
import type { DatabaseVerification } from '../compliance/verify/verify-database.ts'
import { asCalled } from '../platform/called-as.ts'
import { EXIT_CODE, UsageError } from '../platform/errors.ts'
import { printable } from '../platform/text.ts'
import { createProgressLine } from '../platform/terminal/output.ts'
import { count, counted } from '../platform/terminal/text.ts'
import { timeText } from '../platform/time.ts'
import { openDatabase } from './open-app.ts'
import { parseOneHead } from './parse.ts'
import { printResult } from './print-result.ts'

/** Findings that the text output shows. */
const SHOWN = 25

export function reportVerifyCommand() {
  return new Command('verify')
    .description('verify a bundle, a JSON report, or the whole history in the database')
    .argument('[file]', 'a bundle or a JSON report; without it, the database is verified')
    .option('--head <hash>', 'a chain head that was kept elsewhere, which must be in the chain', parseOneHead)
    .option('--key <file>', 'the public key (PEM) that must have signed the chain head')
    .option(
      '--trust <file>',
      'certificates (PEM) of time-stamping authorities, to which the signatures of all timestamps must lead',
    )
    .option('--tables', 'also compare the tables, views and triggers of the database with the history')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
A file is verified without a database and without a network. A JSON report is checked for consistency. A bundle is also
checked against its proofs: its events and notes were sealed in its chain. Neither can show that nothing was left out.

Without a file, the database is verified. This needs DATABASE_URL and writes nothing. It hashes the whole history again,
and names each revision, note and run that was altered, removed or inserted. It cannot show that the newest runs were
removed with everything that they sealed. Therefore keep the chain head of a run elsewhere, and give it with --head.

With --tables, each payload that the tables show is normalized again, and every column of every row is compared. The
views, functions and triggers are compared with those of the migrations. The output names tables, keys and columns, and
no values. After an upgrade that reads more fields, run replay first.

With SEAL_SIGNING_KEY, each run signs its chain head. A signature covers all runs up to it. With --key, runs after the
newest signature are a finding, and so is a bundle without one.

With SEAL_TIMESTAMP_URL, time-stamping authorities witness when chain heads existed. Each timestamp in the database is
compared with its chain head. With --trust, its signature is verified, too, and a database without a timestamp is a
finding.

Exit code 6 when there are findings.

Examples:
  $ identifai-sync report verify
  $ identifai-sync report verify --tables --head 77ab...09
  $ identifai-sync report verify --trust authority.pem
  $ identifai-sync report verify q3.bundle.jsonl`,
    )
    .action(async (file, options) => {
      const given = {
        head: options.head,
        key: await readKey(options.key),
        authorities: await readTrust(options.trust),
      }
      if (file === undefined) {
        const { verifyDatabase } = await import('../compliance/verify/verify-database.ts')
        await using app = await openDatabase()
        const progress = createProgressLine(process.stderr)
        progress.show('Verifying the history')
        const result = await verifyDatabase(app.db, {
          ...given,
          tables: options.tables,
          onProgress: (compared) => progress.show(`${counted(compared, 'classification')} compared`),
        })
        progress.clear()
        const lines = [
          ...describeChain(result),
          ...describeTimestamps(result, given.authorities !== undefined),
          ...describeTables(result),
        ]
        finish(options, result, lines, options.tables ? GOOD_TABLES : GOOD_CHAIN)
      } else if (options.tables) {
        throw new UsageError('--tables compares the tables of the database.', 'Leave out the file.')
      } else {
        const { verifyFile } = await import('../compliance/report/read/verify-file.ts')
        const result = await verifyFile(file, given)
        finish(options, result, describeFile(result), goodFile(result))
      }
    })
}

/** @throws UsageError when the file has no Ed25519 key. */
async function readKey(path: string | undefined): Promise<KeyObject | undefined> {
  if (path === undefined) return undefined
  const { readFile } = await import('node:fs/promises')
  const { readPublicKey } = await import('../pipeline/seal/checkpoint.ts')
  const key = readPublicKey(await readFile(path, 'utf8').catch(() => ''))
  if (key === undefined) {
    throw new UsageError(
      `${path} has no Ed25519 key in PEM.`,
      'Give the public key: openssl pkey -in <private key> -pubout',
    )
  }
  return key
}

/** @throws UsageError when the file has no certificate of an authority. */
async function readTrust(path: string | undefined): Promise<readonly Certificate[] | undefined> {
  if (path === undefined) return undefined
  const { readFile } = await import('node:fs/promises')
  const { readAuthorities } = await import('../compliance/timestamp/signature.ts')
  const authorities = readAuthorities(await readFile(path, 'utf8').catch(() => ''))
  if (authorities.length === 0) {
    throw new UsageError(
      `${path} has no certificate of an authority in PEM.`,
      'Give the root certificate that the time-stamping authority publishes. To convert it: openssl x509 -inform der -in <file>',
    )
  }
  return authorities
}

/** Prints a verification, its findings or else that all is good, and sets the exit code. */
function finish(
  options: Parameters<typeof printResult>[0],
  result: DatabaseVerification | FileVerification,
  lines: readonly string[],
  good: string,
): void {
  const { given_head_at, findings } = result
  const head = given_head_at === null ? [] : [`The given head is at position ${given_head_at}.`]
  // Without a run, there is no head that the key could have signed.
  const isSigned =
    'is_signed' in result ? result.is_signed : result.runs > 0 && result.signed_through === result.runs
  const signed = isSigned ? ['The chain head is signed with the given key.'] : []
  const outcome = findings.length === 0 ? [good] : findingLines(findings)
  printResult(options, result, [...lines, ...head, ...signed, '', ...outcome].join('\n'))
  if (findings.length > 0) process.exitCode = EXIT_CODE.notVerified
}

const GOOD_CHAIN = 'Everything is as it was sealed.'

const GOOD_TABLES = `${GOOD_CHAIN} The tables follow from the history.`

const GOOD_REPORT =
  'The report is consistent. Compare its data digest with a digest that you kept elsewhere. To prove that its events were\nsealed, verify a bundle (report bundle) or the database (report verify).'

const GOOD_BUNDLE =
  'Every event and note is as it was sealed, and the chain leads to this chain head.\nTo prove that nothing was left out, verify the database (report verify), and make the report again: its data digest must\nbe the same. This also proves the counts that a bundle cannot prove: already forced, tracked and same-file identifiers.'

function goodFile({ file, given_head_at }: FileVerification): string {
  if (file === 'report') return GOOD_REPORT
  const kept =
    given_head_at === null ? '\nCompare the chain head with a chain head that you kept elsewhere.' : ''
  return `${GOOD_BUNDLE}${kept}`
}

function describeFile(result: FileVerification): string[] {
  const proved =
    result.file === 'bundle'
      ? `, with ${counted(result.leaves, 'sealed row')} of ${counted(result.runs, 'run')}`
      : ', the digest, the figures and the conclusions'
  const coverage = { true: 'complete', false: 'NOT COMPLETE, and states its gaps', null: 'unknown' }
  return [
    `Checked: ${counted(result.events, 'event')} and ${counted(result.decisions, 'decision')}${proved}.`,
    ...(result.period === null
      ? []
      : [
          `Period: ${result.period.from ?? 'the beginning'} to ${result.period.to} (not included), as of ${result.as_of}.`,
        ]),
    `The report is ${coverage[`${result.is_complete}`]}.`,
    ...(result.redacted > 0
      ? [`The personal values of ${counted(result.redacted, 'event')} were redacted.`]
      : []),
    `Data digest: ${result.data_digest ?? 'none'}`,
    `Chain head at position ${result.chain_position}: ${result.chain_head ?? 'none'}`,
  ]
}

function describeChain(result: DatabaseVerification): string[] {
  const checked = `${counted(result.runs, 'sealed run')}, ${counted(result.revisions, 'revision')}, ${counted(result.notes, 'note')}, ${counted(result.actions, 'action')} and ${counted(result.payloads_checked, 'payload')} verified`
  const left =
    result.payloads_not_checked > 0
      ? `; ${count(result.payloads_not_checked)} without a payload to verify`
      : ''
  const redacted =
    result.personal_values_redacted > 0
      ? `; the personal values of ${counted(result.personal_values_redacted, 'revision')} redacted`
      : ''
  const open =
    result.open_runs > 0
      ? ` ${counted(result.open_runs, 'run')} in progress, which will be sealed at the end.`
      : ''
  const notes =
    result.unsealed_notes > 0
      ? ` ${counted(result.unsealed_notes, 'new note')}, not verified because the next run seals new notes.`
      : ''
  return [`${checked}${left}${redacted}.${open}${notes}`, `Chain head: ${result.chain_head ?? 'none yet'}`]
}

function describeTimestamps(
  { timestamps_checked: checked, newest_timestamp: newest }: DatabaseVerification,
  isTrusted: boolean,
): string[] {
  if (checked === 0) return []
  const what = isTrusted ? 'and their signatures' : 'without their signatures, because --trust was not given'
  const proved =
    newest === null
      ? ''
      : ` The newest one is of chain position ${newest.chain_position}, at ${timeText(newest.time)}.`
  return [`${counted(checked, 'timestamp')} verified, ${what}.${proved}`]
}

function describeTables({ tables }: DatabaseVerification): string[] {
  if (tables === null) return []
  const { classifications, without_payload, not_accepted, definitions } = tables
  const others = [
    ...(without_payload > 0 ? [`${count(without_payload)} without a payload`] : []),
    ...(not_accepted > 0 ? [`${count(not_accepted)} with a payload that this version does not accept`] : []),
  ]
  return [
    [`${counted(classifications, 'classification')} compared with the tables`, ...others].join('; ') + '.',
    definitions === null
      ? 'Views, functions and triggers were not compared, because the role may not create temporary objects, or the server is a standby.'
      : `${counted(definitions, 'view, function or trigger', 'views, functions and triggers')} compared with the migrations.`,
  ]
}

function findingLines(findings: readonly Finding[]): string[] {
  const shown = findings.slice(0, SHOWN)
  const lines = shown.map(
    ({ chain_position, what, problem }) =>
      `  ${printable(what)}${chain_position === null ? '' : ` (chain position ${chain_position})`} ${problem}.`,
  )
  const more = findings.length - shown.length
  return [
    `${counted(findings.length, 'finding')}${more > 0 ? ', the first of them' : ''}:`,
    ...lines,
    ...(more > 0 ? [`  ... and ${count(more)} more: --json lists all of them.`] : []),
    ...(findings.length > 1 ? ['One alteration can cause several findings.'] : []),
    ...(findings.some(({ what }) => what.includes('classification'))
      ? [
          asCalled(
            'With the database, identifai-sync explain <number of the classification> prints a history.',
          ),
        ]
      : []),
  ]
}
