import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import { createProgram } from '../src/cli/program.ts'
import { LOG_EVENTS } from '../src/platform/log-events.ts'
import { VARIABLE_LINES } from '../src/platform/config/variables.ts'
import { EXIT_CODE, EXIT_CODE_MEANINGS, SIGNAL_EXIT_CODES } from '../src/platform/errors.ts'
import { linkTerms } from './words/link-terms.ts'
import { readErrors, readFindings, readSettingProblems } from './read-messages.ts'

/** The page docs/reference.md, in Markdown. */
export function referenceMarkdown(): string {
  return linkTerms(
    'docs/reference.md',
    `# Reference

For everyone who runs the program. After reading it, you can find each command, variable, exit code, error and log event.
\`npm run docs:reference\` writes this page from the program. [The glossary](glossary.md) defines the terms.

- [Commands](#commands)
- [Exit codes](#exit-codes)
- [Configuration](#configuration)
- [Errors](#errors)
- [Findings of \`doctor\`](#findings-of-doctor)
- [Log events](#log-events)

## Commands

Each command has \`--help\`. With \`--json\` it prints one JSON document on standard output. Logs and errors go to standard
error. A command that fails leaves standard output empty.

${table(['option of each command', 'description'], globalOptionLines(createProgram()))}

${table(['command', 'description'], commandLines(createProgram()))}

## Exit codes

${table(['exit code', 'meaning'], exitCodeLines())}

## Configuration

Settings come from the environment, or from a \`.env\` file in the working directory. All problems are reported together. A
variable in \`.env\` that nothing reads causes a warning. So does a misspelled one in the environment.
\`DATABASE_URL\` is not required if one of the variables with PG is set ([Connect to PostgreSQL](operations.md#connect-to-postgresql)).

Each line of \`.env\` has one \`NAME=value\`. The file is in UTF-8, or in UTF-16 with a byte order mark. \`export\` before a
name, comments and blank lines have no effect. A value that contains \`#\` needs quotation marks.

${table(
  ['variable', 'default', 'description'],
  VARIABLE_LINES.map((line) => [
    code(line.name),
    defaultText(line.default),
    line.values === null ? line.description : `${line.description} (${line.values})`,
  ]),
)}

## Errors

A command that fails prints \`error:\` and one of these texts on standard error. Words in _italics_ represent values. An
error with exit code 1 is none of these. It is a bug: keep the log, and report it.

${table(
  ['exit code', 'error', 'remedy'],
  readErrors().map(({ exitCode, problem, remedy }) => [String(exitCode), prose(problem), prose(remedy)]),
)}

The problems of a configuration are these:

${readSettingProblems()
  .map((problem) => `- ${prose(problem)}`)
  .join('\n')}

## Findings of doctor

\`doctor\` also reports the errors above as findings, with the status \`failed\`.

${table(
  ['status', 'finding', 'remedy'],
  readFindings().map(({ status, found, remedy }) => [status, prose(found), prose(remedy)]),
)}

## Log events

Each line of the log is a JSON object. Its field \`msg\` has the event. The field \`err\` has the error that caused it. \`LOG_LEVEL\` sets the lowest level that is logged. On a terminal, the log is plain text, and commands other than
\`schedule\` log only from \`warn\` on.

${table(
  ['level', 'event', 'meaning', 'remedy'],
  Object.entries(LOG_EVENTS).map(([event, { level, meaning, remedy }]) => [
    level,
    code(event),
    meaning,
    remedy ?? '',
  ]),
)}
`,
  )
}

function globalOptionLines(program: CommandUnknownOpts): string[][] {
  return program.options.map(({ flags, description }) => [code(flags), description])
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

/** A message as Markdown, with its placeholders in italics. */
function prose(message: string): string {
  return message
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/([*_|])/g, '\\$1')
    .replaceAll(/<([a-z\d ]+)>/g, '_$1_')
}

function code(text: string): string {
  return `\`${text.replaceAll('|', '\\|')}\``
}

function table(header: readonly string[], lines: readonly (readonly string[])[]): string {
  return [header, header.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}
