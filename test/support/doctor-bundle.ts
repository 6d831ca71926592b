import { createHash } from 'node:crypto'
import { makeReport } from '../../src/compliance/report/make-report.ts'
import { statedFacts } from '../../src/compliance/report/verify-report.ts'
import { canonicalJson } from '../../src/platform/canonical-json.ts'
import type { Draw } from '../../src/devkit/simulator/draw.ts'
import { closed, type Line, opened } from './open-bundle.ts'

/** A bundle with an alteration. */
export interface Doctored {
  readonly text: string
  readonly alteration: string
}

/** The paths of values that a bundle does not prove, or that mean nothing. docs/bundle.md lists them. */
const NOT_PROVED: readonly RegExp[] = [
  // No digest covers them.
  /^0\.generated_(at|by)$/,
  // They include identifiers that are not in the bundle.
  /^0\.data\.summary\.period\.already_forced$/,
  /^0\.data\.head\.coverage\.observed_since$/,
  /^0\.data\.decisions\.\d+\.tracked$/,
  /^0\.data\.events\.\d+\.same_file_identifiers$/,
  // They are a choice. The report on another period is another report.
  /^0\.data\.head\.period\.(from|to|time_zone)$/,
  // A chain head does not determine the number of its runs.
  /^\d+\.kept\.chain_position$/,
  // Only `report verify` checks the sentences of gaps.
  /^0\.data\.head\.coverage\.gaps\.\d+\.statement$/,
]

/** A way to alter the lines. Returns its description, with the texts of the lines if it wrote them; undefined if it did nothing. */
type Doctor = (
  lines: Line[],
  draw: Draw,
  head: string | undefined,
) => string | undefined | { readonly alteration: string; readonly texts: readonly string[] }

/**
 * Returns the bundle with one alteration that changes its meaning, and a data digest that fits it.
 *
 * @param head A kept chain head, with which the bundle is compared.
 */
export function doctored(lines: readonly string[], draw: Draw, head: string | undefined): Doctored {
  for (;;) {
    const copy = opened(lines)
    const result = draw.pick(DOCTORS)(copy, draw, head)
    if (result === undefined) continue
    const { alteration, texts } =
      typeof result === 'string' ? { alteration: result, texts: closed(copy) } : result
    if (texts.join('') !== lines.join('')) return { alteration, text: texts.join('') }
  }
}

/** Alters one value, list or object anywhere, but mostly in the report. */
const alterValue: Doctor = (lines, draw) => {
  const lineNo = draw.chance(0.7) ? 0 : draw.integer(0, lines.length - 1)
  const inData = lineNo === 0 && draw.chance(0.8)
  let [holder, key, path] = inData ? [lines[0], 'data', '0.data'] : [lines, String(lineNo), String(lineNo)]
  while (isContainer(holder[key]) && Object.keys(holder[key]).length > 0 && draw.chance(0.9)) {
    holder = holder[key]
    key = draw.pick(Object.keys(holder))
    path = `${path}.${key}`
  }
  if (isContainer(holder[key]) && lineNo !== Number(path)) {
    const what = alterContainer(holder[key], draw)
    // Without its personal values, an event is a redacted one.
    if (what === undefined || (path === '0.personal_values' && what.startsWith('remove'))) return undefined
    return fitDigest(lines, `${path}: ${what}`)
  }
  if (isContainer(holder[key]) || NOT_PROVED.some((pattern) => pattern.test(path))) return undefined
  const former = holder[key]
  holder[key] = path === '0.checkpoint' ? otherCheckpoint(former, draw) : otherValue(former, key, lines, draw)
  const description = `${path}: ${JSON.stringify(former)} → ${JSON.stringify(holder[key])}`
  return path === '0.data_digest' ? description : fitDigest(lines, description)
}

/** Removes, repeats or moves a line. */
const alterLine: Doctor = (lines, draw, head) => {
  const lineNo = draw.integer(0, lines.length - 1)
  const [line, next] = [lines[lineNo], lines[lineNo + 1]]
  const isCompared = line.kept?.chain_head === head && head !== lines[0].data.head.as_of.chain_head
  const how = draw.pick(['removed', 'repeated', 'moved'])
  // Other kept heads, and their order, mean nothing to the verification.
  if (how === 'removed' && line.kept && !isCompared) return undefined
  if (how === 'moved' && (next === undefined || (line.kept && next.kept))) return undefined
  if (how === 'removed') lines.splice(lineNo, 1)
  else if (how === 'repeated') lines.splice(lineNo, 0, line)
  else lines.splice(lineNo, 2, next, line)
  return `line ${lineNo}: ${how}`
}

/** Alters one fact, and makes the whole report again from it, as a forger with this program can do. */
const remake: Doctor = (lines, draw) => {
  const { data } = lines[0]
  const facts = statedFacts(structuredClone(data)) as Line
  const notes = facts.notes.length > 0 ? [facts.notes] : []
  const listed = facts.events.length > 0 ? [facts.events, facts.events, ...notes] : []
  const list = draw.pick([...listed, undefined])
  let description: string
  if (list !== undefined && draw.chance(0.2)) {
    const invented = { ...draw.pick<Line>(list) }
    const id = 'note_id' in invented ? 'note_id' : 'classification_id'
    invented[id] += 1000
    list.push(invented)
    description = `invented ${id} ${invented[id]}`
  } else {
    const holder =
      list === undefined ? draw.pick([facts.asOf, facts.coverage, facts.counts.now]) : draw.pick<Line>(list)
    const key = draw.pick(Object.keys(holder))
    if (key === 'observed_since') return undefined
    const former = JSON.stringify(holder[key])
    if (isContainer(holder[key])) alterContainer(holder[key], draw)
    else holder[key] = otherValue(holder[key], key, lines, draw)
    description = `${key} ${former} → ${JSON.stringify(holder[key])}`
  }
  try {
    lines[0].data = makeReport(data.head.media, data.head.period, facts)
  } catch {
    return undefined
  }
  return fitDigest(lines, `made again with ${description}`)
}

/** Writes a line so that another reader can read another value, or the digest is not the one of this report. */
const rewrite: Doctor = (lines, draw) => {
  const texts = closed(lines)
  const lineNo = draw.integer(0, lines.length - 1)
  const how = draw.pick([
    'data with white space',
    'data with a key twice',
    'a key twice',
    'text after the value',
  ])
  const [line] = lines
  if (how.startsWith('data')) {
    const text = canonicalJson(line.data)
    const data = how.endsWith('space') ? text.replace(',', ', ') : text.replace('{', '{"decisions":[],')
    texts[0] = `${JSON.stringify({ ...line, data, data_digest: sha256(data) })}\n`
    return { alteration: how, texts }
  }
  const [text = '', key] = [texts[lineNo], Object.keys(lines[lineNo])[0]]
  texts[lineNo] = how === 'a key twice' ? text.replace('{', `{"${key}":null,`) : text.replace(/\n$/, ' {}\n')
  return { alteration: `line ${lineNo}: ${how}`, texts }
}

const DOCTORS: readonly Doctor[] = [alterValue, alterValue, alterValue, alterLine, remake, remake, rewrite]

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** Removes, repeats or moves a member of a list, or removes or adds a member of an object. */
function alterContainer(container: Line, draw: Draw): string | undefined {
  const keys = Object.keys(container)
  const key = keys.length > 0 ? draw.pick(keys) : '0'
  if (!Array.isArray(container)) {
    if (draw.chance(0.5)) container.unknown = null
    else delete container[key]
    return `key ${key} removed, or an unknown key`
  }
  const how = draw.pick(['removed', 'repeated', 'moved'])
  const index = Number(key)
  if (how === 'removed') container.splice(index, 1)
  else if (how === 'repeated') container.splice(index, 0, structuredClone(container[index] ?? null))
  else container.push(...container.splice(index, 1))
  return `${how} ${index}`
}

function otherValue(value: unknown, key: string, lines: readonly Line[], draw: Draw): unknown {
  const others = choicesFor(value, key, lines, draw).filter(
    (other) => JSON.stringify(other) !== JSON.stringify(value),
  )
  return draw.pick(others)
}

/** Values that are near the given one, or have another type. */
function choicesFor(value: unknown, key: string, lines: readonly Line[], draw: Draw): unknown[] {
  if (typeof value === 'boolean') return [!value, Number(value), null]
  if (typeof value === 'number')
    return [value + 1, value - 1, 0, 1, value + 0.5, String(value), value === 1, null]
  if (typeof value !== 'string') return ['x', 'human', 0, false, []]
  if (/^\d{4}-.*Z$/.test(value))
    return [value.replace(/.Z$/, '7Z'), value.replace(/^..../, '2025'), value.slice(1), null]
  const position = draw.integer(0, Math.max(0, value.length - 1))
  const digit = value[position] === '0' ? '1' : '0'
  const flipped = value.slice(0, position) + digit + value.slice(position + 1)
  if (/^[0-9a-f]{64}$/.test(value))
    return [flipped, flipped, value.toUpperCase(), ` ${value}`, value.slice(2)]
  return [`${value}x`, flipped, '', null, ...draw.shuffle(valuesOf(lines[0].data, key)).slice(0, 3)]
}

/** The values that a report has under a key anywhere. */
function valuesOf(value: unknown, key: string): unknown[] {
  if (!isContainer(value)) return []
  return Object.entries(value).flatMap(([name, member]) => [
    ...(name === key && !isContainer(member) ? [member] : []),
    ...valuesOf(member, key),
  ])
}

/** Only a key can show that a signature was altered. So it alters the text that is signed, or adds something. */
function otherCheckpoint(checkpoint: string, draw: Draw): string {
  const [text = ''] = checkpoint.split('\n\n')
  const position = draw.integer(0, text.length - 1)
  const flipped = text[position] === 'x' ? 'y' : 'x'
  return draw.pick([
    `${checkpoint}x`,
    checkpoint.slice(0, position) + flipped + checkpoint.slice(position + 1),
  ])
}

function fitDigest(lines: readonly Line[], description: string): string {
  const [line] = lines
  if (isContainer(line?.data)) line.data_digest = sha256(canonicalJson(line.data as never))
  return description
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
