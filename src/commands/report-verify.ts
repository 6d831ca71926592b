import { Command, InvalidArgumentError } from '@commander-js/extra-typings'
import type { ChainReport } from '../chain/findings.ts'
import { count, counted, print, printJson } from '../terminal/print.ts'
import { openDatabase } from './open-app.ts'

export function reportVerifyCommand() {
  return new Command('verify')
    .description('hash the whole history anew, and name what is not as it was sealed')
    .option('--head <hash>', 'a chain head that was noted earlier: it must be in the chain', parseHead)
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Needs DATABASE_URL only, and writes nothing. Exit code 6 when something was found.
It cannot see that the newest runs were removed together with all that they sealed: each run logs its chain head, so
keep one elsewhere now and then, and give it with --head.`,
    )
    .action(async (options) => {
      const { audioEndpoint } = await import('../audio-endpoint.ts')
      const { verifyChain } = await import('../chain/verify-chain.ts')
      const { EXIT_CODE } = await import('../errors.ts')
      await using app = await openDatabase()
      const report = await verifyChain(app.db, audioEndpoint, options.head)
      if (options.json) printJson(report)
      else print(describeReport(report))
      if (report.findings.length > 0) process.exitCode = EXIT_CODE.notVerified
    })
}

function describeReport(report: ChainReport): string {
  const checked = `${counted(report.runs, 'sealed run')}, ${counted(report.revisions, 'revision')}, ${counted(report.notes, 'note')} and ${counted(report.payloads_checked, 'kept record')} hashed anew`
  const left =
    report.payloads_not_checked > 0 ? `; ${count(report.payloads_not_checked)} without a record to check` : ''
  const lines = [`${checked}${left}.`, `Chain head: ${report.chain_head ?? 'none yet'}`, '']
  if (report.findings.length === 0) return [...lines, 'All is as it was sealed.'].join('\n')
  const found = report.findings.map(
    ({ chain_position, what, problem }) =>
      `  ${what}${chain_position === null ? '' : ` (chain position ${chain_position})`} ${problem}.`,
  )
  return [...lines, `${counted(report.findings.length, 'finding')}:`, ...found].join('\n')
}

function parseHead(text: string): string {
  const head = text.trim().toLowerCase()
  if (!/^[0-9a-f]{64}$/.test(head)) throw new InvalidArgumentError('It must be 64 hexadecimal digits.')
  return head
}
