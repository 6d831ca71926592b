import type { Report } from '../report.ts'
export function htmlText(report: Report): string[] {
  return [report.data_digest]
}
