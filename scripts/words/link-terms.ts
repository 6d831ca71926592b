import { readFileSync } from 'node:fs'
import path from 'node:path'

const PROJECT = path.resolve(import.meta.dirname, '../..')
export const GLOSSARY = 'docs/glossary.md'

/** Words of the glossary that also have another meaning, with the words around them that give them their meaning there. */
const IN_CONTEXT: Readonly<Record<string, RegExp>> = {
  run: /(?<=\b(?:a|an|the|each|every|this|its|one|next|last|previous|first|current|later|other|another|no|whole|two)\s+)runs?\b/i,
  report: /(?<=\b(?:a|an|the|each|every|this|one|compliance|JSON)\s+)reports?\b/i,
  missing: /(?<=\b(?:become|becomes|became|counts? as)\s+)missing\b/i,
  done: /\bdone(?=\s+or\s+errored)/i,
  due: /(?<=\b(?:is|are|everything|identifiers|stay|stays|be)\s+)due\b/i,
  cause: /\bcauses?\b(?=\s+of\s+a\s+revision)/i,
  state: /(?<=\b(?:column|identifier's)\s+)states?\b/i,
  note: /(?<=\b(?:a|the|no|each|its|all|add|and|first|later|every)\s+)notes?\b/i,
  record: /(?<=\b(?:a|the|each|one|no|every|of|first|finished|that)\s+)records?\b/i,
  release: /\breleased\b|\breleases?(?=\s+(?:its|the|identifiers))/i,
  event: /(?<!\blog\s+)\bevents?\b/i,
  gap: /(?<=\b(?:states?|its|has)\s+(?:the\s+)?)gaps?\b/i,
  'same-file identifiers': /\bsame-file\s+identifiers?\b/i,
  'not before, not after': /\bnot\s+before\b/i,
}

/** The forms of a word besides its plural. */
const FORMS: Readonly<Record<string, string>> = {
  leaf: 'leaf|leaves(?=\\sof)',
  medium: 'medium|media',
  enqueue: 'enqueue[sd]?',
  retire: 'retire[sd]?',
  seal: 'seal(?:s|ed)?',
  prune: 'prune[sd]?',
  confirm: 'confirm(?:s|ed)?|confirmations?',
  quarantine: 'quarantined?',
  refresh: 'refresh(?:es|ed)?',
  claim: 'claim(?:s|ed)?',
}

interface Term {
  readonly id: string
  readonly pattern: RegExp
}

/** The first use of a term on a page, which has no link to the glossary. */
export interface Unlinked {
  readonly term: string
  readonly at: number
  readonly length: number
}

const TERMS = readTerms()

/** Finds the first use of each term of docs/glossary.md in the prose of a page, unless it is a link to its definition. */
export function findUnlinked(text: string): Unlinked[] {
  const { offsets, links, ...page } = readPage(text)
  let { prose } = page
  return TERMS.flatMap(({ id, pattern }) => {
    const match = pattern.exec(prose)
    if (match === null) return []
    const { 0: words, index } = match
    // A word within a longer term is not a use of the shorter one.
    prose = prose.replaceAll(new RegExp(pattern, 'gi'), (use) => HIDDEN.repeat(use.length))
    const link = links.get(index)
    if (link?.term === id && link.length === words.length) return []
    return [{ term: id, at: offsets[index] ?? 0, length: words.length }]
  })
}

/** Adds the missing links to a page; `file` is its path in the project. */
export function linkTerms(file: string, text: string): string {
  const target = path.relative(path.dirname(file), GLOSSARY)
  return findUnlinked(text)
    .toSorted((one, other) => other.at - one.at)
    .reduce((page, { term, at, length }) => {
      const link = `[${page.slice(at, at + length)}](${target}#${term})`
      return page.slice(0, at) + link + page.slice(at + length)
    }, text)
}

interface Page {
  /** The prose without the syntax of links to the glossary. All else is hidden: headings, tables, code and other links. */
  readonly prose: string
  /** Where each character of the prose is in the text. */
  readonly offsets: readonly number[]
  /** The links to the glossary, by their place in the prose. */
  readonly links: ReadonlyMap<number, { readonly term: string; readonly length: number }>
}

/** A character that no term has. */
const HIDDEN = '#'

function readPage(text: string): Page {
  const visible = text
    .replaceAll(/^ *```[\s\S]*?^ *```/gm, hide)
    .replaceAll(/^ *(?:#|\|).*$/gm, hide)
    .replaceAll(/`[^`]*`/g, hide)
    .replaceAll(/!?\[[^\]]*\]\((?![^)]*glossary\.md#)[^)]*\)|https?:\S+/g, hide)
  const offsets: number[] = []
  const links = new Map<number, { term: string; length: number }>()
  let prose = ''
  let end = 0
  const show = (from: number, to: number) => {
    prose += visible.slice(from, to)
    for (let offset = from; offset < to; offset++) offsets.push(offset)
  }
  for (const { 0: link, 1: words = '', 2: term = '', index } of visible.matchAll(LINK)) {
    show(end, index)
    links.set(prose.length, { term, length: words.length })
    show(index + 1, index + 1 + words.length)
    end = index + link.length
  }
  show(end, visible.length)
  return { prose, offsets, links }
}

function hide(part: string): string {
  return part.replaceAll(/[^\n]/g, HIDDEN)
}

const LINK = /\[([^\]]*)\]\([^)]*glossary\.md#([\w-]+)\)/g

/** The terms, longest first. */
function readTerms(): Term[] {
  const text = readFileSync(path.join(PROJECT, GLOSSARY), 'utf8')
  return [...text.matchAll(/^\| <a id="([\w-]+)"><\/a>([^|]+) \|/gm)]
    .map(([, id = '', name = '']) => ({ id, name }))
    .toSorted((one, other) => other.name.length - one.name.length)
    .map(({ id, name }) => ({ id, pattern: IN_CONTEXT[name] ?? patternOf(name) }))
}

function patternOf(name: string): RegExp {
  return new RegExp(`\\b(?:${FORMS[name] ?? `${name.replaceAll(' ', '\\s+')}s?`})\\b`, 'i')
}
