import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { type Argument, type Expression, parseSync, Visitor } from 'oxc-parser'
import { EXIT_CODE } from '../src/platform/errors.ts'

/** An error of the program: its class, exit code, message and next step, with a placeholder for each value in them. */
export interface ErrorMessage {
  readonly name: string
  readonly exitCode: number
  readonly problem: string
  readonly remedy: string
}

/** A finding of `doctor`. */
export interface FindingMessage {
  readonly status: string
  readonly found: string
  readonly remedy: string
}

/** A class of src/platform/errors.ts; its messages are there when the constructor has them. */
interface ErrorClass {
  readonly parent: string
  exitCode?: number
  remedy?: string
  messages?: readonly ErrorMessage[]
}

const ERRORS = 'src/platform/errors.ts'
/** The parser of the command line throws it for a wrong argument. */
const ARGUMENT_ERROR = 'InvalidArgumentError'
const FINDINGS = new Set(['ok', 'warning', 'failed', 'skipped'])

/**
 * Reads the message of every error of `src`, ordered by exit code.
 *
 * @throws Error where a message is not a literal at the place where the error is created.
 */
export function readErrors(): ErrorMessage[] {
  const classes = readClasses()
  const created = sourceFiles('src').flatMap((file) => {
    const found: ErrorMessage[] = []
    const { program, read } = readSource(file)
    new Visitor({
      NewExpression({ callee, arguments: [first, second] }) {
        if (callee.type !== 'Identifier') return
        if (callee.name === ARGUMENT_ERROR) {
          const problem = "option '<option>' argument '<value>' is invalid."
          const { name } = callee
          found.push(...read(first).map((remedy) => ({ name, exitCode: EXIT_CODE.usage, problem, remedy })))
        }
        const own = classes.get(callee.name)
        if (own === undefined || own.messages !== undefined) return
        const { name } = callee
        const exitCode = exitCodeOf(classes, name)
        const [remedy = ''] = own.remedy === undefined ? read(second) : [own.remedy]
        found.push(...read(first).map((problem) => ({ name, exitCode, problem, remedy })))
      },
    }).visit(program)
    return found
  })
  return [...[...classes.values()].flatMap(({ messages = [] }) => messages), ...created].toSorted(
    (one, other) => one.exitCode - other.exitCode,
  )
}

/** Reads every problem of a setting, which a ConfigurationError lists. */
export function readSettingProblems(): string[] {
  return sourceFiles('src/platform/config').flatMap((file) => {
    const found: string[] = []
    const { program, text, read } = readSource(file)
    const addParsed = (name: string, value: Expression | null) => {
      if (name === 'error' && value && isText(value))
        found.push(...read(value).map((words) => `<name> ${words}`))
    }
    new Visitor({
      Property: ({ key, value }) => addParsed(key.type === 'Identifier' ? key.name : '', value as Expression),
      VariableDeclarator: ({ id, init }) => addParsed(id.type === 'Identifier' ? id.name : '', init),
      CallExpression({ callee, arguments: [first] }) {
        // The other call adds the problem of a parser.
        if (text.slice(callee.start, callee.end) !== 'problems.push' || first === undefined) return
        found.push(...read(first).filter((words) => words !== '<name> <message>'))
      },
    }).visit(program)
    return found
  })
}

/** Reads every finding of `doctor`, in the order of the source. */
export function readFindings(): FindingMessage[] {
  return sourceFiles('src/operations/doctor').flatMap((file) => {
    const found: FindingMessage[] = []
    const { program, text, read } = readSource(file)
    new Visitor({
      CallExpression({ callee, arguments: [first, second] }) {
        if (callee.type !== 'Identifier' || !FINDINGS.has(callee.name) || first === undefined) return
        // Such a finding repeats an error, which readErrors reads.
        if (/^(\w+\.)?problem$/.test(text.slice(first.start, first.end))) return
        const hasRemedy = callee.name === 'warning' || callee.name === 'failed'
        const remedy = hasRemedy ? (read(second)[0] ?? '') : ''
        found.push(...read(first).map((words) => ({ status: callee.name, found: words, remedy })))
      },
    }).visit(program)
    return found
  })
}

function readClasses(): Map<string, ErrorClass> {
  const classes = new Map<string, ErrorClass>()
  const { program, read } = readSource(ERRORS)
  let name = ''
  new Visitor({
    ClassDeclaration({ id, superClass }) {
      name = id?.name ?? ''
      classes.set(name, { parent: superClass?.type === 'Identifier' ? superClass.name : '' })
    },
    PropertyDefinition({ key, value }) {
      const own = classes.get(name)
      if (own === undefined || key.type !== 'Identifier' || !value) return
      if (key.name === 'exitCode' && value.type === 'MemberExpression') {
        own.exitCode = EXIT_CODE[nameOf(value) as keyof typeof EXIT_CODE]
      }
      if (key.name === 'remedy') own.remedy = read(value)[0] ?? ''
    },
    CallExpression({ callee, arguments: [first, second] }) {
      const own = classes.get(name)
      // A base class has no message of its own.
      if (callee.type !== 'Super' || own === undefined || own.parent === 'Error') return
      if (first?.type === 'Identifier') return
      const exitCode = exitCodeOf(classes, name)
      const [remedy = ''] = read(second)
      own.messages = read(first).map((problem) => ({ name, exitCode, problem, remedy }))
    },
  }).visit(program)
  return classes
}

function isText({ type }: Expression): boolean {
  return ['Literal', 'TemplateLiteral', 'ConditionalExpression'].includes(type)
}

function exitCodeOf(classes: ReadonlyMap<string, ErrorClass>, name: string): number {
  const own = classes.get(name)
  return own === undefined ? EXIT_CODE.gaveUp : (own.exitCode ?? exitCodeOf(classes, own.parent))
}

function sourceFiles(folder: string): string[] {
  const flags = ['ls-files', '--cached', '--others', '--exclude-standard', '-z', '--', folder]
  return execFileSync('git', flags, { encoding: 'utf8' })
    .split('\0')
    .filter((file) => file.endsWith('.ts'))
}

/** Parses a file; `read` returns the texts of an expression in it: one, or two for a condition. */
function readSource(file: string) {
  const text = readFileSync(file, 'utf8')
  const { program } = parseSync(file, text)
  const constants = new Map<string, string>()
  new Visitor({
    VariableDeclarator({ id, init }) {
      if (id.type !== 'Identifier' || !/^[A-Z_]+$/.test(id.name) || init?.type !== 'Literal') return
      if (typeof init.value === 'string') constants.set(id.name, init.value)
    },
  }).visit(program)

  const read = (node: Argument | undefined): string[] => {
    if (node?.type === 'Literal' && typeof node.value === 'string') return [node.value]
    if (node?.type === 'Identifier' && constants.has(node.name)) return [constants.get(node.name) ?? '']
    if (node?.type === 'ConditionalExpression') return [...read(node.consequent), ...read(node.alternate)]
    if (node?.type === 'TemplateLiteral') {
      const values = node.expressions.map((value) => placeholder(value))
      const filled = node.quasis.map(({ value }, index) => `${value.cooked ?? ''}${values[index] ?? ''}`)
      return [filled.join('')]
    }
    const line = text.slice(0, node?.start ?? 0).split('\n').length
    throw new Error(`${file}:${line}: write the message as a literal where the error or finding is created.`)
  }
  const placeholder = (node: Expression): string =>
    (node.type === 'Identifier' ? constants.get(node.name) : undefined) ?? `<${wordsOf(nameOf(node))}>`
  return { program, text, read }
}

/** The name of a value: that of its variable or property, or of the first argument of a function. */
function nameOf(node: Argument): string {
  if (node.type === 'Identifier') return node.name
  if (node.type === 'MemberExpression' && node.property.type === 'Identifier') {
    return node.property.name === 'length' ? 'number' : node.property.name
  }
  if (node.type === 'MemberExpression') return nameOf(node.object)
  if (node.type === 'ConditionalExpression') return nameOf(node.consequent)
  if (node.type === 'LogicalExpression') return nameOf(node.left)
  if (node.type === 'CallExpression') {
    const [first] = node.arguments
    if (node.callee.type === 'MemberExpression') return nameOf(node.callee.object)
    return first === undefined ? 'value' : nameOf(first)
  }
  return 'value'
}

function wordsOf(name: string): string {
  // A constant has capitals only, and its words are already separated.
  const isConstant = name === name.toUpperCase()
  const words = isConstant ? name : name.replaceAll(/(?<=[a-zA-Z])(?=[A-Z])/g, ' ')
  return words.replaceAll('_', ' ').toLowerCase()
}
