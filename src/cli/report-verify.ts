import { Command, InvalidArgumentError } from '@commander-js/extra-typings'
import type { ChainReport, Finding } from '../compliance/verify/findings.ts'
import type { FileReport } from '../compliance/report/verify-file.ts'
import { count, counted } from '../platform/terminal/text.ts'
import { print, printJson } from '../platform/terminal/output.ts'
import { printable } from '../platform/text.ts'
import { openDatabase } from './open-app.ts'

/** Findings that a terminal shows. */
const SHOWN = 25

export function reportVerifyCommand() {
  return new Command('verify')
    .description('check a bundle or a JSON report, or hash the whole history in the database anew')
    .argument('[file]', 'a bundle or a JSON report; without it, the database is verified')
    .option('--head <hash>', 'a chain head that was noted earlier: it must be in the chain', parseHead)
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
A file is checked from itself alone, without a database and without a network. A JSON report shows that it is consistent
with itself; a bundle shows, too, that its events and notes were sealed in the chain that it has. Neither shows that
nothing was left out: for that the database has to be verified, which needs DATABASE_URL and names each revision, note
or run that was altered, removed or inserted. Nothing is written. Exit code 6 when something was found.
The database cannot show that the newest runs were removed together with all that they sealed: each run logs its chain
head, so keep one elsewhere now and then, and give it with --head.

Examples:
  $ identifai-sync report verify
  $ identifai-sync report verify --head 77ab...09
  $ identifai-sync report verify q3.bundle.jsonl`,
    )
    .action(async (file, options) => {
      const { EXIT_CODE } = await import('../platform/errors.ts')
      const found =
        file === undefined ? await verifyDatabase(options.head) : await verifyOneFile(file, options.head)
      if (options.json) printJson(found.report)
      else print(found.text)
      if (found.report.findings.length > 0) process.exitCode = EXIT_CODE.notVerified
    })
}

async function verifyDatabase(head: string | undefined) {
  const { audioEndpoint } = await import('../media/audio/endpoint.ts')
  const { verifyChain } = await import('../compliance/verify/verify-chain.ts')
  await using app = await openDatabase()
  const report = await verifyChain(app.db, audioEndpoint, head)
  return { report, text: describeReport(report) }
}

async function verifyOneFile(file: string, head: string | undefined) {
  const { verifyFile } = await import('../compliance/report/verify-file.ts')
  const report = await verifyFile(file, head)
  return { report, text: describeFile(report) }
}

function describeFile(report: FileReport): string {
  const checked = `${counted(report.events, 'event')} and ${counted(report.decisions, 'decision')}`
  const proved =
    report.file === 'bundle'
      ? ` checked, with ${counted(report.leaves, 'leaf', 'leaves')} under ${counted(report.runs, 'sealed run')}.`
      : ' checked against the digest, and what is counted and concluded against what is listed.'
  const good =
    report.file === 'bundle'
      ? 'Every event and note was sealed as it says, and the chain leads to that head. Hold the head against one that was kept\nelsewhere. What is counted over identifiers that are not in it (forced now, found forced, tracked, siblings), and that\nnothing was left out, only the database can show (report verify).'
      : 'The report is consistent with itself. Hold its data digest against one that was kept elsewhere; that its events were\nsealed a bundle can show (report bundle), or the database (report verify).'
  return [
    `${checked}${proved}`,
    `Chain head at position ${report.chain_position}: ${report.chain_head ?? 'none'}`,
    ...givenHeadLine(report),
    '',
    ...(report.findings.length === 0 ? [good] : findingLines(report.findings)),
  ].join('\n')
}

function describeReport(report: ChainReport): string {
  const checked = `${counted(report.runs, 'sealed run')}, ${counted(report.revisions, 'revision')}, ${counted(report.notes, 'note')} and ${counted(report.payloads_checked, 'kept record')} hashed anew`
  const left =
    report.payloads_not_checked > 0 ? `; ${count(report.payloads_not_checked)} without a record to check` : ''
  const open = report.open_runs > 0 ? ` ${counted(report.open_runs, 'run')} under way: not sealed yet.` : ''
  const lines = [
    `${checked}${left}.${open}`,
    `Chain head: ${report.chain_head ?? 'none yet'}`,
    ...givenHeadLine(report),
    '',
  ]
  if (report.findings.length === 0) return [...lines, 'All is as it was sealed.'].join('\n')
  return [...lines, ...findingLines(report.findings)].join('\n')
}

function givenHeadLine({ given_head_at }: { readonly given_head_at: number | null }): string[] {
  return given_head_at === null ? [] : [`The head that you gave is that of position ${given_head_at}.`]
}

function findingLines(findings: readonly Finding[]): string[] {
  const shown = findings.slice(0, SHOWN)
  const found = shown.map(
    ({ chain_position, what, problem }) =>
      `  ${printable(what)}${chain_position === null ? '' : ` (chain position ${chain_position})`} ${problem}.`,
  )
  const more = findings.length - shown.length
  return [
    `${counted(findings.length, 'finding')}${more > 0 ? ', the first of them' : ''}:`,
    ...found,
    ...(more > 0 ? [`  ... and ${count(more)} more: --json has them all.`] : []),
    'What one alteration brings about is named, too. identifai-sync explain <classification> shows a history.',
  ]
}

function parseHead(text: string): string {
  const head = text.trim().toLowerCase()
  if (!/^[0-9a-f]{64}$/.test(head)) throw new InvalidArgumentError('It must be 64 hexadecimal digits.')
  return head
}
