import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import { expect, it } from 'vitest'
import { createProgram } from '../../../src/cli/program.ts'
import { VARIABLE_LINES } from '../../../src/platform/config/variables.ts'

/** The output of `--help` of a command, with the text after the options. */
function helpOf(command: CommandUnknownOpts): string {
  let text = ''
  command.configureOutput({ writeOut: (part) => (text += part) })
  command.outputHelp()
  return text
}

function withSubcommands(command: CommandUnknownOpts): CommandUnknownOpts[] {
  return [command, ...command.commands.flatMap(withSubcommands)]
}

it('every help fits a terminal, and describes --help in the same words', () => {
  const helps = withSubcommands(createProgram()).map(helpOf)
  for (const help of helps) {
    expect(help).toContain('print help')
    expect(help).not.toContain('display help')
  }
  const tooLong = helps.flatMap((help) => help.split('\n')).filter((line) => line.length > 120)
  // Where the documents are depends on the machine.
  expect(tooLong.filter((line) => !line.startsWith('Documentation: '))).toEqual([])
})

it('the help names every variable', () => {
  const help = helpOf(createProgram())
  for (const { name } of VARIABLE_LINES) {
    expect(help).toContain(name)
  }
})
