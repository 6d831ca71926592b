import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import axe from 'axe-core'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { htmlText } from '../../../../../../src/compliance/report/format/html/page.ts'
import { HOSTILE, hostileReport } from '../../../../../support/hostile-report.ts'
import { createTestDatabase } from '../../../../../support/test-database.ts'

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync)
if (!CHROMIUM)
  console.warn('NOT CHECKED: the report page in a browser, because there is no Chromium on this machine.')

const DESK = { viewport: { width: 1280, height: 900 } }
const PHONE = { viewport: { width: 375, height: 812 } }

describe.skipIf(!CHROMIUM)('the report page in a browser', () => {
  let folder: string
  let file: string
  let browser: Browser

  beforeAll(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'identifai page '))
    file = path.join(folder, 'report.html')
    await using database = await createTestDatabase()
    writeFileSync(file, htmlText(await hostileReport(database.db)).join(''))
    browser = await chromium.launch({
      executablePath: CHROMIUM as string,
      args: '--no-sandbox --disable-gpu --disable-background-networking --disable-component-update'.split(
        ' ',
      ),
    })
  })
  afterAll(async () => {
    await browser.close()
    rmSync(folder, { recursive: true })
  })

  /** Opens the page, and records its console messages, errors and requests. */
  async function open(options: BrowserContextOptions): Promise<{ page: Page; noise: string[] }> {
    const page = await browser.newPage(options)
    const noise: string[] = []
    page.on('console', (message) => noise.push(`console: ${message.text()}`))
    page.on('pageerror', (error) => noise.push(`error: ${error.message}`))
    page.on('request', (request) => noise.push(`request: ${request.url()}`))
    await page.goto(pathToFileURL(file).href)
    return { page, noise }
  }

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
    for (const hostile of HOSTILE) {
      // Characters that could move or hide text are shown as escapes, but not line breaks.
      const broken = hostile.replace(/\r\n?/g, '\n')
      expect(text).toContain(
        broken.replace(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (c) => `\\u{${c.codePointAt(0)?.toString(16)}}`),
      )
    }
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

  it.each([
    ['light, desk', { ...DESK, colorScheme: 'light' }],
    ['dark, desk', { ...DESK, colorScheme: 'dark' }],
    ['light, phone', { ...PHONE, colorScheme: 'light' }],
    ['dark, phone', { ...PHONE, colorScheme: 'dark' }],
  ] as const)('has no axe-core violations: %s', async (_, options) => {
    const { page } = await open(options)
    await page.locator('details').evaluateAll((all) => {
      for (const details of all) details.setAttribute('open', '')
    })
    await page.evaluate(axe.source)
    const results = (await page.evaluate('axe.run()')) as axe.AxeResults
    expect(results.violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([])
    expect(results.passes.map(({ id }) => id)).toEqual(
      expect.arrayContaining(['color-contrast', 'landmark-one-main', 'svg-img-alt']),
    )
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
