import path from 'node:path'
import { type Argument, type Expression, parseSync, Visitor } from 'oxc-parser'

/** One paragraph of prose as a single line of text, with the line of the file on which each piece of it begins. */
export interface Paragraph {
  readonly text: string
  readonly pieces: readonly { readonly offset: number; readonly line: number }[]
}

/** An identifier, a column, a value or a file name. */
export interface Name {
  readonly name: string
  readonly line: number
}

export interface Source {
  readonly paragraphs: readonly Paragraph[]
  readonly names: readonly Name[]
}

interface Line {
  readonly line: number
  readonly text: string
}

const TEST_FUNCTIONS = new Set(['describe', 'it', 'test'])
const DIRECTIVE = /^(oxlint-|eslint-|biome-|cspell:|@ts-|#!|\/ <reference)/
const PARAGRAPH_START = /^(@\w+|[-*] |\d+\. |\||#+ )/
const HASH_COMMENTS = /(^|\/)Dockerfile$|\.(py|sh|ya?ml|service|timer)$/

/** True for the files that `readSource` can read. */
export function isReadable(file: string): boolean {
  return /\.([cm]?ts|md)$/.test(file) || HASH_COMMENTS.test(file)
}

/** The prose and the names of one file: comments and test names of TypeScript, `#` comments, Markdown outside code. */
export function readSource(file: string, text: string): Source {
  const fileName = { name: path.basename(file).replace(/\.\w+$/, ''), line: 1 }
  if (HASH_COMMENTS.test(file)) return { paragraphs: paragraphsOf(hashComments(text)), names: [fileName] }
  if (file.endsWith('.md')) return { paragraphs: paragraphsOf(markdown(text)), names: [fileName] }
  return readTypeScript(file, text, fileName)
}

function readTypeScript(file: string, text: string, fileName: Name): Source {
  const { program, comments } = parseSync(file, text)
  const lineStarts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)]
  const lineAt = (offset: number) => lineStarts.findLastIndex((start) => start <= offset) + 1
  const names: Name[] = [fileName]
  const titles: Paragraph[] = []
  const add = (name: string, offset: number) => names.push({ name, line: lineAt(offset) })

  new Visitor({
    Identifier: ({ name, start }) => add(name, start),
    PrivateIdentifier: ({ name, start }) => add(name, start),
    Literal({ value, start }) {
      if (typeof value === 'string') for (const name of namesInText(value)) add(name, start)
    },
    TemplateElement({ value, start }) {
      for (const name of namesInText(value.raw)) add(name, start)
    },
    TaggedTemplateExpression({ tag, quasi }) {
      if (rootName(tag) !== 'sql') return
      for (const { value, start } of quasi.quasis) {
        const code = value.raw.replaceAll(/'[^']*'/g, (quoted) => ' '.repeat(quoted.length))
        for (const { 0: name, index } of code.matchAll(/[a-z_]\w*/gi)) add(name, start + index)
      }
    },
    CallExpression({ callee, arguments: [title] }) {
      if (!TEST_FUNCTIONS.has(rootName(callee) ?? '')) return
      const words = title === undefined ? undefined : titleOf(title)
      if (title !== undefined && words !== undefined) {
        titles.push({ text: words, pieces: [{ offset: 0, line: lineAt(title.start) }] })
      }
    },
  }).visit(program)

  const prose = comments.map(({ type, value, start }) => {
    const isAlone = text.slice(lineStarts[lineAt(start) - 1], start).trim() === ''
    return { type, isAlone, lines: lines(type === 'Block' ? value.replace(/^\*/, '') : value, lineAt(start)) }
  })
  // Comments to the end of the line, each alone on the line after the other, are one text.
  const groups: (typeof prose)[number][] = []
  for (const comment of prose) {
    const before = groups.at(-1)
    const isNextLine = before?.lines.at(-1)?.line === (comment.lines[0]?.line ?? 0) - 1
    if (
      before !== undefined &&
      comment.type === 'Line' &&
      before.type === 'Line' &&
      comment.isAlone &&
      isNextLine
    ) {
      before.lines.push(...comment.lines)
    } else {
      groups.push(comment)
    }
  }
  return { paragraphs: [...groups.flatMap((group) => paragraphsOf(group.lines)), ...titles], names }
}

/** The name at the root of `a.b(c).d`: a. */
function rootName(node: Expression): string | undefined {
  if (node.type === 'Identifier') return node.name
  if (node.type === 'MemberExpression') return rootName(node.object)
  if (node.type === 'CallExpression') return rootName(node.callee)
  return node.type === 'TaggedTemplateExpression' ? rootName(node.tag) : undefined
}

/** The text of a test's name; a value in a template counts as code. */
function titleOf(title: Argument): string | undefined {
  if (title.type === 'Literal' && typeof title.value === 'string') return title.value
  return title.type === 'TemplateLiteral' ? title.quasis.map(({ value }) => value.raw).join('`x`') : undefined
}

/** Values of one word, and words joined by underscores within a longer text. */
function namesInText(text: string): string[] {
  return /^[a-z][\w-]*$/i.test(text) ? [text] : (text.match(/[a-z]+(_[a-z\d]+)+/gi) ?? [])
}

function lines(text: string, firstLine: number): Line[] {
  return text
    .split('\n')
    .map((line, index) => ({ line: firstLine + index, text: line.replace(/^\s*\*?\s?/, '').trim() }))
}

/** The lines of a Markdown text, with a line for each cell of a table. */
function markdown(text: string): Line[] {
  return lines(text, 1).flatMap(({ line, text: row }) =>
    row.startsWith('|')
      ? row.split(/(?<!\\)\|/).map((cell) => ({ line, text: `| ${cell.trim()}` }))
      : [{ line, text: row }],
  )
}

function hashComments(text: string): Line[] {
  return text.split('\n').map((line, index) => ({
    line: index + 1,
    text: /(?:^|\s)#(?!!)\s?(.*)$/.exec(line)?.[1]?.trim() ?? '',
  }))
}

/** Joins lines to paragraphs. Leaves out fenced code and directives to tools. */
function paragraphsOf(source: readonly Line[]): Paragraph[] {
  const paragraphs: { text: string; pieces: { offset: number; line: number }[] }[] = []
  let isOpen = false
  let isCode = false
  for (const { line, text } of source) {
    const isFence = text.startsWith('```')
    if (isFence) isCode = !isCode
    if (text === '' || isFence || isCode || DIRECTIVE.test(text)) {
      isOpen = false
      continue
    }
    const start = PARAGRAPH_START.test(text)
    const prose = text.replace(/^(@param\s+\S+|@\w+|[-*]|\d+\.|\||#+)\s*/, '')
    const before = paragraphs.at(-1)
    if (isOpen && !start && before !== undefined) {
      before.pieces.push({ offset: before.text.length + 1, line })
      before.text += ` ${text}`
    } else {
      paragraphs.push({ text: start ? prose : text, pieces: [{ offset: 0, line }] })
    }
    isOpen = true
  }
  return paragraphs
}
