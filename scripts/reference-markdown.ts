import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import { createProgram } from '../src/cli/program.ts'
import { VARIABLE_LINES } from '../src/platform/config/variables.ts'
import { EXIT_CODE, EXIT_CODE_MEANINGS, SIGNAL_EXIT_CODES } from '../src/platform/errors.ts'

/** The page docs/reference.md, in Markdown. */
export function referenceMarkdown(): string {
  return `# Reference

\`npm run docs:reference\` writes this page from the program. [The glossary](glossary.md) defines the terms.

## Commands

Each has a \`--help\`. \`--json\` prints one JSON document on standard output. Logs and errors go to standard error. A command
that fails leaves standard output empty.

${table(['command', 'description'], commandLines(createProgram()))}

## Exit codes

${table(['exit code', 'meaning'], exitCodeLines())}

## Configuration

Settings come from the environment, or a \`.env\` file in the working directory. Every problem is reported together. A name that
resembles one of these and is none causes a warning.

${table(
  ['variable', 'default', 'description'],
  VARIABLE_LINES.map((line) => [code(line.name), defaultText(line.default), line.description]),
)}
`
}

function commandLines(program: CommandUnknownOpts): string[][] {
  return program.commands.flatMap((command) => {
    const nested = commandLines(command).map(([usage = '', ...rest]) => [
      usage.replace('`', `\`${command.name()} `),
      ...rest,
    ])
    if (nested.length > 0) return nested
    const options = command.options.filter(({ long }) => long !== '--help' && long !== '--json')
    const usage = [
      command.name(),
      ...command.registeredArguments.map((argument) =>
        argument.required ? `<${argument.name()}>` : `[${argument.name()}${argument.variadic ? '...' : ''}]`,
      ),
      ...options.map(({ flags, mandatory }) => (mandatory ? flags : `[${flags}]`)),
    ]
    return [[code(usage.join(' ')), command.description()]]
  })
}

function exitCodeLines(): string[][] {
  const codes = Object.entries(EXIT_CODE_MEANINGS).map(([name, meaning]) => [
    String(EXIT_CODE[name as keyof typeof EXIT_CODE]),
    meaning,
  ])
  return [...codes, [Object.values(SIGNAL_EXIT_CODES).join(', '), 'interrupted, after a clean stop']]
}

function defaultText(value: string): string {
  return value === 'required' || value === 'none' ? value : code(value)
}

function code(text: string): string {
  return `\`${text.replaceAll('|', '\\|')}\``
}

function table(header: readonly string[], lines: readonly (readonly string[])[]): string {
  return [header, header.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
