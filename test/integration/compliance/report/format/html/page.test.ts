import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Browser, BrowserContextOptions } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { htmlText } from '../../../../../../src/compliance/report/format/html/page.ts'
import {
  asShown,
  DESK,
  expectAccessible,
  hasBrowser,
  launchBrowser,
  openPage,
  PHONE,
  SCREENS,
} from '../../../../../support/browser.ts'
import { HOSTILE, hostileReport } from '../../../../../support/hostile-report.ts'
import { createTestDatabase } from '../../../../../support/test-database.ts'

describe.skipIf(!hasBrowser)('the report page in a browser', () => {
  let folder: string
  let file: string
  let browser: Browser

  beforeAll(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'identifai page '))
    file = path.join(folder, 'report.html')
    await using database = await createTestDatabase()
    writeFileSync(file, htmlText(await hostileReport(database.db)).join(''))
    browser = await launchBrowser()
  })
  afterAll(async () => {
    await browser.close()
    rmSync(folder, { recursive: true })
  })

  const open = (options: BrowserContextOptions) => openPage(browser, pathToFileURL(file).href, options)

  it('runs no script, and requests nothing but itself', async () => {
    const { page, noise } = await open(DESK)
    await page.locator('footer').scrollIntoViewIfNeeded()
    await page.waitForLoadState('networkidle')
    expect(noise).toEqual([`request: ${pathToFileURL(file).href}`])
    expect(
      await page.locator('script, img, iframe, link, object, [style], [onerror], [onload]').count(),
    ).toBe(0)
    const policy = await page.locator('meta[http-equiv="Content-Security-Policy"]').getAttribute('content')
    expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-[\w+/=]+'; /)
    // The policy allows the page's own style, and no script that is added.
    expect(await page.evaluate("getComputedStyle(document.querySelector('.tiles')).display")).toBe('grid')
    await page.evaluate(`
      const script = document.createElement('script')
      script.textContent = 'document.title = "ran"'
      document.head.append(script)`)
    expect(await page.title()).not.toBe('ran')
  })

  it('shows hostile texts as text', async () => {
    const { page } = await open(DESK)
    const text = (await page.locator('body').textContent()) ?? ''
    for (const hostile of HOSTILE) expect(text).toContain(asShown(hostile))
    const breaks = page.locator('bdi', { hasText: 'line break' }).first()
    expect((await breaks.innerText()).split('\n').length).toBeGreaterThan(1)
    const links = await page.locator('a[href]').evaluateAll((all) => all.map((a) => a.getAttribute('href')))
    expect(new Set(links.map((href) => href?.split(/[:\d]/)[0]))).toEqual(
      new Set(['#main', '#decision-', 'https']),
    )
  })

  it.each([
    ['desk', DESK],
    ['phone', PHONE],
  ])('shows its charts, and has nothing wider than the screen, at the width of a %s', async (_, options) => {
    const { page } = await open(options)
    const { width } = options.viewport
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
    const charts = await page.locator('figure svg').all()
    expect(charts).toHaveLength(3)
    for (const chart of charts) {
      const box = await chart.boundingBox()
      expect(box?.width).toBeGreaterThan(250)
      expect(box?.height).toBeGreaterThan(60)
      expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(width)
      expect(await chart.locator('rect').count()).toBeGreaterThan(1)
      const heights = await chart
        .locator('rect')
        .evaluateAll((bars) => bars.map((bar) => bar.getBoundingClientRect().height))
      expect(Math.max(...heights)).toBeGreaterThan(10)
    }
  })

  it.each(SCREENS)('has no axe-core violations: %s', async (_, options) => {
    const { page } = await open(options)
    await expectAccessible(page)
  })

  it('prints on A4, in light colors, with every row and the addresses of its links', async () => {
    const { page } = await open({ ...DESK, colorScheme: 'dark' })
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' })
    const paper = await page.evaluate('getComputedStyle(document.body).backgroundColor')
    expect(paper).toBe('rgb(255, 255, 255)')
    const pdf = (await page.pdf({ preferCSSPageSize: true })).toString('latin1')
    // A4 in landscape, in points.
    const [, width, height] = /\/MediaBox\s*\[0 0 ([\d.]+) ([\d.]+)\]/.exec(pdf) ?? []
    expect([Math.round(Number(width)), Math.round(Number(height))]).toEqual([842, 595])
    const link = `document.querySelector('tbody a[href^="https"]')`
    expect(await page.evaluate(`getComputedStyle(${link}, '::after').content`)).toContain('dashboard.example')
  })
})
