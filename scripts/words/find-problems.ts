import { readFileSync } from 'node:fs'
import path from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { findUnlinked, GLOSSARY } from './link-terms.ts'
import { type Name, type Paragraph, readSource } from './read-source.ts'

const wordsSchema = z.strictObject({
  prose: z.record(z.string(), z.string()),
  openers: z.array(z.string()),
  longestSentence: z.int(),
  longestMean: z.number(),
  names: z.record(z.string(), z.string()),
})

const allowedSchema = z.strictObject({
  foreign: z.record(z.string(), z.string()),
  files: z.record(z.string(), z.string()),
  here: z.array(z.strictObject({ file: z.string(), rule: z.string(), text: z.string(), reason: z.string() })),
})

export interface Problem {
  readonly file: string
  readonly line: number
  readonly rule: 'phrase' | 'opener' | 'long sentence' | 'long mean' | 'retired name' | 'unlinked term'
  readonly text: string
  readonly instead: string
}

const WORDS = readYaml('words.yaml', wordsSchema)
const ALLOWED = readYaml('allowed.yaml', allowedSchema)
const PHRASES = Object.entries(WORDS.prose).map(([words, instead]) => ({
  pattern: new RegExp(`(?<![\\w-])(?:${words})(?![\\w-])`, 'gi'),
  instead,
}))
const OPENER = new RegExp(`^\\W*(?:${WORDS.openers.join('|')})\\b`, 'i')
const NAMES = Object.entries(WORDS.names).flatMap(([list, instead]) =>
  list.split(', ').map((words) => ({ words, instead })),
)
const sentences = new Intl.Segmenter('en', { granularity: 'sentence' })

/** All problems of one file, save the exceptions of allowed.yaml; `used` collects the exceptions that were needed. */
export function findProblems(file: string, text: string, used = new Set<object>()): Problem[] {
  if (Object.hasOwn(ALLOWED.files, file)) return []
  const { paragraphs, names } = readSource(file, text)
  return [...paragraphs.flatMap(proseProblems), ...nameProblems(names)]
    .map((problem) => ({ file, ...problem }))
    .filter((problem) => {
      const exception = ALLOWED.here.find(
        (allowed) => allowed.file === file && allowed.rule === problem.rule && allowed.text === problem.text,
      )
      if (exception !== undefined) used.add(exception)
      return exception === undefined
    })
    .toSorted((one, other) => one.line - other.line)
}

/** Exceptions that no file needs any more. */
export function findUnused(used: ReadonlySet<object>): readonly { file: string; text: string }[] {
  return ALLOWED.here.filter((exception) => !used.has(exception))
}

type Finding = Omit<Problem, 'file'>

function proseProblems({ text, pieces }: Paragraph): Finding[] {
  const lineAt = (offset: number) => pieces.findLast((piece) => piece.offset <= offset)?.line ?? 1
  const prose = withoutCode(text)
  const phrases = PHRASES.flatMap(({ pattern, instead }) =>
    [...prose.matchAll(pattern)].map(
      ({ 0: phrase, index }): Finding => ({ line: lineAt(index), rule: 'phrase', text: phrase, instead }),
    ),
  )
  const bySentence = [...sentences.segment(prose)].flatMap(({ segment, index }): Finding[] => {
    const line = lineAt(index)
    const count = countWords(segment)
    const opening = text.slice(index, index + segment.length).trim()
    return [
      ...(OPENER.test(segment) && !segment.trim().endsWith('?')
        ? [{ line, rule: 'opener' as const, text: firstWords(opening), instead: 'begin with the subject' }]
        : []),
      ...(count > WORDS.longestSentence
        ? [
            {
              line,
              rule: 'long sentence' as const,
              text: firstWords(opening),
              instead: `${count} words: split it, ${WORDS.longestSentence} at most`,
            },
          ]
        : []),
    ]
  })
  return [...phrases, ...bySentence]
}

/** Problems of a page of the documentation as a whole: long sentences on average, and terms without a link. */
export function findPageProblems(file: string, text: string): Problem[] {
  const lengths = sentenceLengths(file, text)
  const mean = lengths.reduce((sum, length) => sum + length, 0) / Math.max(lengths.length, 1)
  const unlinked = file === GLOSSARY ? [] : findUnlinked(text)
  return [
    ...(mean > WORDS.longestMean
      ? [
          {
            file,
            line: 1,
            rule: 'long mean' as const,
            text: `${mean.toFixed(1)} words a sentence`,
            instead: `${WORDS.longestMean} at most`,
          },
        ]
      : []),
    ...unlinked.map(({ term, at, length }) => ({
      file,
      line: text.slice(0, at).split('\n').length,
      rule: 'unlinked term' as const,
      text: text.slice(at, at + length),
      instead: `link its first use to ${GLOSSARY}#${term}, with --fix`,
    })),
  ]
}

/** The lengths in words of all full sentences of a text; those of headings and tables are left out. */
export function sentenceLengths(file: string, text: string): number[] {
  return readSource(file, text)
    .paragraphs.filter(({ isProse }) => isProse)
    .flatMap((paragraph) => [...sentences.segment(withoutCode(paragraph.text))])
    .map(({ segment }) => countWords(segment))
    .filter((count) => count > 0)
}

/** Code counts as one word, with which a sentence can begin. No rule applies within it. The address of a link is no word. */
function withoutCode(text: string): string {
  return text
    .replaceAll(/`[^`]*`|\{@link[^}]*\}/g, (code) => 'X'.repeat(code.length))
    .replaceAll(/(?<=\])\([^)\s]*\)/g, (address) => `)${'X'.repeat(address.length - 1)}`)
}

function countWords(sentence: string): number {
  return sentence.split(/\s+/).filter((word) => /\w/.test(word)).length
}

function nameProblems(names: readonly Name[]): Finding[] {
  // A name is reported where the file has it first.
  const first = new Map(names.toReversed().map(({ name, line }) => [name, line]))
  return [...first].flatMap(([name, line]): Finding[] => {
    if (Object.hasOwn(ALLOWED.foreign, name)) return []
    const parts = ` ${name
      .replaceAll(/([a-z\d])([A-Z])|([A-Z])(?=[A-Z][a-z])/g, '$1$3 $2')
      .split(/[^A-Za-z]+/)
      .join(' ')
      .toLowerCase()} `
    const retired = NAMES.find(({ words }) => parts.includes(` ${words} `))
    return retired === undefined ? [] : [{ line, rule: 'retired name', text: name, instead: retired.instead }]
  })
}

function firstWords(sentence: string): string {
  return sentence.split(/\s+/).slice(0, 8).join(' ')
}

function readYaml<Schema extends z.ZodType>(file: string, schema: Schema): z.output<Schema> {
  return schema.parse(parse(readFileSync(path.join(import.meta.dirname, file), 'utf8')))
}
