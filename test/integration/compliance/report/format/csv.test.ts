import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { parse } from 'csv-parse/sync'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { csvText } from '../../../../../src/compliance/report/format/csv.ts'
import type { Decision, Report } from '../../../../../src/compliance/report/schema.ts'
import { correctedReport } from '../../../../support/corrected-report.ts'
import { hostileReport } from '../../../../support/hostile-report.ts'
import { createTestDatabase } from '../../../../support/test-database.ts'

const HAS_OFFICE = spawnSync('soffice', ['--version']).status === 0
if (!HAS_OFFICE) console.warn('NOT CHECKED: the CSV in LibreOffice, because there is none on this machine.')

/** UTF-8, commas, double quotes; cells as they are, not as they are shown. */
const CSV_FILTER = '44,34,76,1,,0,false,false,false'

describe('the report as CSV', () => {
  let folder: string
  let file: string
  let report: Report
  let text: string

  beforeAll(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'identifai csv '))
    file = path.join(folder, 'report.csv')
    await using database = await createTestDatabase()
    report = await hostileReport(database.db)
    text = (await Array.fromAsync(csvText(report))).join('')
    writeFileSync(file, text)
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  const cells = (csv: string): string[][] => parse(csv, { relax_column_count: false })

  it('has one event a line, with the documented columns, and the decision of each', () => {
    const [header, ...rows] = cells(text)
    expect(header?.join(' ')).toBe(
      'event in_period identifier forced_from forced_to not_before not_after force_origin file_hash same_file_identifiers name ref_id result_url source submitted_at machine_classification_before machine_confidence_before machine_heuristic_before machine_classification_after machine_confidence_after machine_heuristic_after classification_id revision_no revision_no_before run_id chain_position decision decision_not_before decision_not_after explanation note_author note_reason note_ticket note_reviewer noted_at note_corrections coverage',
    )
    expect(rows).toHaveLength(report.events.length)
    const [first] = report.events
    const decision = report.decisions[(first?.decision ?? 0) - 1]
    const row = Object.fromEntries((header ?? []).map((name, position) => [name, rows[0]?.[position]]))
    expect(row).toMatchObject({
      identifier: first?.identifier,
      not_before: first?.not_before,
      forced_from: '',
      decision: '1',
      explanation: decision?.explanation,
      note_author: decision?.notes[0]?.author ?? '',
      noted_at: decision?.notes[0]?.noted_at ?? '',
    })
  })

  it('has the events of the period only, with a note as corrected, and the time of the first note', async () => {
    await using database = await createTestDatabase()
    const corrected = await correctedReport(database.db)
    const [, { notes }] = corrected.decisions as [unknown, Decision]
    expect(notes.map(({ author }) => author)).toEqual(['A', 'B'])
    const lines = (await Array.fromAsync(csvText(corrected))).join('')
    expect(parse(lines, { columns: true })).toMatchObject([
      { identifier: 'id-2', note_author: 'B', noted_at: notes[0]?.noted_at, note_corrections: '1' },
    ])
  })

  it('ends lines as RFC 4180 does', () => {
    expect(text.endsWith('\r\n')).toBe(true)
    expect(text.split('\r\n')).toHaveLength(report.events.length + 2)
  })

  it('puts an apostrophe before a text that a spreadsheet would treat as a formula', () => {
    const all = cells(text).flat()
    expect(all.filter((cell) => /^[=+\-@\t\r]/.test(cell))).toEqual([])
    expect(all).toContain(`'=HYPERLINK("https://evil.example","ok")`)
    expect(all).toContain("'-2+3")
  })

  it.skipIf(!HAS_OFFICE)('has in LibreOffice the values of the file, and no formula', async () => {
    const convert = async (to: string, out: string) => {
      const args = ['--headless', `-env:UserInstallation=${pathToFileURL(path.join(folder, 'profile')).href}`]
      await promisify(execFile)('soffice', [
        ...args,
        `--infilter=CSV:${CSV_FILTER}`,
        '--convert-to',
        to,
        '--outdir',
        path.join(folder, out),
        file,
      ])
    }
    await convert('fods', 'sheet')
    expect(readFileSync(path.join(folder, 'sheet/report.fods'), 'utf8')).not.toContain('table:formula')
    await convert(`csv:Text - txt - csv (StarCalc):${CSV_FILTER}`, 'back')
    expect(cells(readFileSync(path.join(folder, 'back/report.csv'), 'utf8'))).toEqual(cells(text))
  })
})
