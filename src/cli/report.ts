import { Command } from '@commander-js/extra-typings'
import { reportBundleCommand } from './report-bundle.ts'
import { reportForcedCommand } from './report-forced.ts'
import { reportVerifyCommand } from './report-verify.ts'

export function reportCommand() {
  return new Command('report')
    .description('what was forced and when it was seen, and proof of it')
    .addCommand(reportForcedCommand())
    .addCommand(reportBundleCommand())
    .addCommand(reportVerifyCommand())
}
