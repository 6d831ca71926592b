import { existsSync } from 'node:fs'
import axe from 'axe-core'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { expect } from 'vitest'

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync)

export const hasBrowser = CHROMIUM !== undefined
if (!hasBrowser)
  console.warn('NOT CHECKED: the pages in a browser, because there is no Chromium on this machine.')

export const DESK = { viewport: { width: 1280, height: 900 } }
export const PHONE = { viewport: { width: 375, height: 812 } }

/** Both widths and both color schemes, in which every page has to be accessible. No style depends on both. */
export const SCREENS = [
  ['light, desk', { ...DESK, colorScheme: 'light' }],
  ['dark, phone', { ...PHONE, colorScheme: 'dark' }],
] as const

/** No access to the network, and few processes, which take much processor time to start. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--in-process-gpu',
  '--renderer-process-limit=1',
]

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM as string,
    args: FLAGS,
  })
}

/** Opens a page, and records its console messages, errors and requests. */
export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions,
): Promise<{ page: Page; noise: string[] }> {
  const page = await browser.newPage(options)
  const noise: string[] = []
  page.on('console', (message) => noise.push(`console: ${message.text()}`))
  page.on('pageerror', (error) => noise.push(`error: ${error.message}`))
  page.on('request', (request) => noise.push(`request: ${request.url()}`))
  await page.goto(url)
  return { page, noise }
}

/** Expects that axe-core finds nothing, also in the parts that a click opens. */
export async function expectAccessible(page: Page): Promise<void> {
  await page.locator('details').evaluateAll((all) => {
    for (const details of all) details.setAttribute('open', '')
  })
  await page.evaluate(axe.source)
  const results = (await page.evaluate('axe.run()')) as axe.AxeResults
  expect(results.violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([])
  expect(results.passes.map(({ id }) => id)).toEqual(
    expect.arrayContaining(['color-contrast', 'landmark-one-main', 'svg-img-alt']),
  )
}

/** A text as a page shows it: characters that could move or hide text are visible escapes, but not line breaks. */
export function asShown(text: string): string {
  return text
    .replace(/\r\n?/g, '\n')
    .replace(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (c) => `\\u{${c.codePointAt(0)?.toString(16)}}`)
}
