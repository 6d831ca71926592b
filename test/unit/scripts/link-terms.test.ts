import { describe, expect, it } from 'vitest'
import { findPageProblems, sentenceLengths } from '../../../scripts/words/find-problems.ts'
import { findUnlinked, linkTerms } from '../../../scripts/words/link-terms.ts'

describe('the first use of a term', () => {
  it.each([
    ['a term', 'It reads each payload.', 'payload', 'payload'],
    ['a plural', 'It reads payloads.', 'payload', 'payloads'],
    ['a form of a verb', 'It retired two.', 'retire', 'retired'],
    ['two words over two lines', 'It keeps the chain\nhead.', 'chain-head', 'chain\nhead'],
    ['a word that is a term after an article', 'Wait for the next run.', 'run', 'run'],
    ['a use before the link', 'A payload. A [payload](glossary.md#payload).', 'payload', 'payload'],
    ['a link to another definition', 'A [payload](glossary.md#lease).', 'payload', 'payload'],
    ['a link to another page', 'A payload, see [bi.md](bi.md).', 'payload', 'payload'],
  ])('needs a link: %s', (_, text, term, words) => {
    expect(findUnlinked(text)).toEqual([{ term, at: text.indexOf(words), length: words.length }])
  })

  it.each([
    ['it is a link', 'A [payload](glossary.md#payload), and another payload.'],
    ['it is in a heading', '## A payload'],
    ['it is in a table', '| a payload |'],
    ['it is code', 'The `payload`.\n\n```\na payload\n```'],
    ['it is the text of another link', 'See [the payload](bi.md#the-payload).'],
    ['it is part of a longer term', 'A [nightly run](glossary.md#nightly-run).'],
    ['it is an instruction', 'Run `doctor`.'],
  ])('needs no link when %s', (_, text) => {
    expect(findUnlinked(text)).toEqual([])
  })

  it('gets a link that leads to the glossary from the folder of the page', () => {
    const linked = 'A [payload](../docs/glossary.md#payload), and a payload.'
    expect(linkTerms('bi/README.md', 'A payload, and a payload.')).toBe(linked)
    expect(linkTerms('bi/README.md', linked)).toBe(linked)
  })

  it('is reported with its line', () => {
    expect(findPageProblems('docs/a.md', '# Title\n\nIt reads each payload.')).toMatchObject([
      { file: 'docs/a.md', line: 3, rule: 'unlinked term', text: 'payload' },
    ])
  })
})

describe('the sentences of a page', () => {
  it('have at most 16 words on average', () => {
    const sentence = (words: number) => `${'Word '.repeat(words - 1)}end.`
    expect(findPageProblems('docs/a.md', `${sentence(15)} ${sentence(17)}`)).toEqual([])
    expect(findPageProblems('docs/a.md', `${sentence(16)} ${sentence(17)}`)).toMatchObject([
      { rule: 'long mean', text: '16.5 words a sentence' },
    ])
  })

  it('are counted without headings, tables and code; code is one word, and the address of a link is none', () => {
    const text =
      '# One two\n\nThree `four five` [six](seven eight). `Nine` ten.\n\n| eleven |\n\n```\ntwelve\n```\n'
    expect(sentenceLengths('docs/a.md', text.replace('seven eight', 'seven'))).toEqual([3, 2])
  })
})
