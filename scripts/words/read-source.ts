import path from 'node:path'
import { type Argument, type Expression, parseSync, type TemplateLiteral, Visitor } from 'oxc-parser'
import { isScalar, LineCounter, parseAllDocuments, visit } from 'yaml'

/** One paragraph of prose as a single line of text, with the line of the file on which each piece of it begins. */
export interface Paragraph {
  readonly text: string
  /** Full sentences, in contrast to headings and cells of tables. */
  readonly isProse: boolean
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

interface Mutable {
  text: string
  isProse: boolean
  pieces: { offset: number; line: number }[]
}

const TEST_FUNCTIONS = new Set(['describe', 'it', 'test'])
const DIRECTIVE = /^(oxlint-|eslint-|biome-|cspell:|@ts-|#!|\/ <reference)/
const PARAGRAPH_START = /^(@\w+|[-*] |\d+\. |\||#+ )/
const OTHER_COMMENTS = /(^|\/)Dockerfile$|\.(py|sh|ya?ml|service|timer|conf|sql)$/
/** Keys of YAML files whose values are prose: annotations of alerts, OpenAPI, and forms for issues. */
const PROSE_KEYS = new Set(['description', 'summary', 'label'])

/** True for the files that `readSource` can read. */
export function isReadable(file: string): boolean {
  return /\.([cm]?ts|md)$/.test(file) || OTHER_COMMENTS.test(file)
}

/**
 * Reads the prose and the names of one file. The prose of TypeScript is comments, texts and the SQL in it, or comments and
 * test names in a test. Other prose is Markdown outside code, `#` and `--` comments, texts of Python, and descriptions in YAML.
 */
export function readSource(file: string, text: string): Source {
  const fileName = { name: path.basename(file).replace(/\.\w+$/, ''), line: 1 }
  if (/\.[cm]?ts$/.test(file)) return readTypeScript(file, text, fileName)
  const names = [fileName, ...columnNames(text)]
  if (file.endsWith('.md')) return { paragraphs: paragraphsOf(markdown(text)), names }
  const paragraphs = paragraphsOf(commentsAfter(text, file.endsWith('.sql') ? '--' : '#(?!!)'))
  if (file.endsWith('.py')) paragraphs.push(...pythonTexts(text).flatMap((line) => paragraphsOf([line])))
  if (/\.ya?ml$/.test(file)) paragraphs.push(...descriptions(text).flatMap((line) => paragraphsOf([line])))
  return { paragraphs, names }
}

function readTypeScript(file: string, text: string, fileName: Name): Source {
  const { program, comments } = parseSync(file, text)
  const lineStarts = [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)]
  const lineAt = (offset: number) => lineStarts.findLastIndex((start) => start <= offset) + 1
  const names: Name[] = [fileName]
  const isTest = file.startsWith('test/')
  const texts: Paragraph[] = []
  const sqlTemplates = new Set<TemplateLiteral>()
  const addText = (words: string, offset: number) => {
    if (!isTest && isSentence(words)) texts.push(...paragraphsOf(textLines(words, lineAt(offset))))
  }
  const add = (name: string, offset: number) => names.push({ name, line: lineAt(offset) })

  new Visitor({
    Identifier: ({ name, start }) => add(name, start),
    PrivateIdentifier: ({ name, start }) => add(name, start),
    Literal({ value, start }) {
      if (typeof value !== 'string') return
      for (const name of namesInText(value)) add(name, start)
      addText(value, start)
    },
    TemplateLiteral(template) {
      if (!sqlTemplates.has(template)) addText(withoutTags(textOf(template)), template.start)
    },
    TemplateElement({ value, start }) {
      for (const name of namesInText(value.raw)) add(name, start)
    },
    TaggedTemplateExpression({ tag, quasi }) {
      if (rootName(tag) !== 'sql') return
      sqlTemplates.add(quasi)
      for (const { value, start } of quasi.quasis) {
        const code = value.raw.replaceAll(/'[^']*'/g, (quoted) => ' '.repeat(quoted.length))
        for (const { 0: name, index } of code.matchAll(/[a-z_]\w*/gi)) add(name, start + index)
        const prose = /(?<=')[^']*(?=')|(?<=-- ).*/g
        for (const { 0: words, index } of value.raw.matchAll(prose)) addText(words, start + index)
      }
    },
    CallExpression({ callee, arguments: [title] }) {
      if (!TEST_FUNCTIONS.has(rootName(callee) ?? '')) return
      const words = title === undefined ? undefined : titleOf(title)
      if (title !== undefined && words !== undefined) {
        texts.push({ text: words, isProse: false, pieces: [{ offset: 0, line: lineAt(title.start) }] })
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
  return { paragraphs: [...groups.flatMap((group) => paragraphsOf(group.lines)), ...texts], names }
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
  return title.type === 'TemplateLiteral' ? textOf(title) : undefined
}

/** The text of a template; a value in it counts as code. */
function textOf({ quasis }: TemplateLiteral): string {
  return quasis.map(({ value }) => value.cooked ?? value.raw).join('`x`')
}

/** True for a text of at least three words, in contrast to values, patterns, SQL and CSS. */
function isSentence(text: string): boolean {
  const words = text.replaceAll(/`[^`]*`/g, 'x').match(/(?<![\w$.-])[a-z]+(?=[\s,.:;?!]|$)/gi) ?? []
  return words.length >= 3 && !SQL.test(text) && !CSS.test(text)
}

const SQL =
  /\bselect\b[^.]*\bfrom\b|^\s*(select|insert into|delete from|create or replace)\b|language (sql|plpgsql)|::\w/s
const CSS = /\{[^}]*:[^}]*;/

/** Lines of a text, in which an indented line is a paragraph of its own, as in the help of a command. */
function textLines(text: string, firstLine: number): Line[] {
  return text.split('\n').flatMap((row, index) => {
    const line = { line: firstLine + index, text: row.trim() }
    return row.startsWith('  ') ? [{ ...line, text: '' }, line] : [line]
  })
}

/** A template of HTML with its texts on lines of their own. */
function withoutTags(text: string): string {
  return text.replaceAll(/<%[^%]*%>/g, '`x`').replaceAll(/<\/?[a-z][^>]*>/gi, '\n\n')
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

/** Names of columns, metrics and the like: words joined by underscores. */
function columnNames(text: string): Name[] {
  return lines(text, 1).flatMap(({ line, text: words }) => {
    const names = words.match(/(?<![\w#])[a-z]+(_[a-z\d]+)+/gi) ?? []
    return names.map((name) => ({ name, line }))
  })
}

function pythonTexts(text: string): Line[] {
  return lines(text, 1).flatMap(({ line, text: code }) => {
    const texts = code.match(/(?<=(["']))(?:(?!\1).)+(?=\1)/g) ?? []
    return texts.filter(isSentence).map((words) => ({ line, text: words }))
  })
}

function descriptions(text: string): Line[] {
  const lineCounter = new LineCounter()
  const found: Line[] = []
  for (const document of parseAllDocuments(text, { lineCounter })) {
    visit(document, {
      Pair(_, { key, value }) {
        if (!isScalar(key) || !isScalar(value) || !PROSE_KEYS.has(String(key.value))) return
        const { line } = lineCounter.linePos(value.range?.[0] ?? 0)
        found.push({
          line,
          text: String(value.value)
            .replaceAll(/\s+/g, ' ')
            .replaceAll(/\{\{.*?\}\}/g, '`x`'),
        })
      },
    })
  }
  return found
}

/** The comments after a mark, without their indented lines, which are commands. */
function commentsAfter(text: string, mark: string): Line[] {
  const comment = new RegExp(`(?:^|\\s)${mark}\\s?(?!\\s)(.*)$`)
  return text.split('\n').map((line, index) => ({
    line: index + 1,
    text: comment.exec(line)?.[1]?.trim() ?? '',
  }))
}

/** Joins lines to paragraphs. Leaves out fenced code and directives to tools. */
function paragraphsOf(source: readonly Line[]): Mutable[] {
  const paragraphs: Mutable[] = []
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
      const isProse = !/^[#|]/.test(text)
      paragraphs.push({ text: start ? prose : text, isProse, pieces: [{ offset: 0, line }] })
    }
    isOpen = true
  }
  return paragraphs
}
