import { createHash } from 'node:crypto'
import { Eta } from 'eta'
import { printableLines } from '../text.ts'

/** Creates an empty set of templates that escape every text, because all of it may be hostile. */
export function createTemplates(): Eta {
  return new Eta({ autoEscape: true, escapeFunction: escape })
}

/**
 * The beginning of a page that needs nothing else: it has no script and no remote reference, and a policy that would refuse
 * both.
 *
 * @param refreshSeconds Seconds after which the page loads again; never when absent.
 */
export function pageHead({
  title,
  style,
  refreshSeconds,
}: {
  readonly title: string
  readonly style: string
  readonly refreshSeconds?: number | undefined
}): string {
  const styleHash = createHash('sha256').update(style).digest('base64')
  const policy = `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'`
  const refresh =
    refreshSeconds === undefined ? '' : `<meta http-equiv="refresh" content="${refreshSeconds}">\n`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
${refresh}<title>${escape(title)}</title>
<style>${style}</style>
</head>
<body>
`
}

export const PAGE_END = '</body>\n</html>\n'

/** Escapes text for an element or an attribute. Characters that could move or hide text become visible escapes, except line breaks. */
function escape(value: unknown): string {
  return printableLines(String(value).replace(/\r\n?/g, '\n')).replace(
    /[&<>"']/g,
    (character) => `&#${character.charCodeAt(0)};`,
  )
}
