import { Argument, Command, type CommandUnknownOpts } from '@commander-js/extra-typings'
import { print } from '../platform/terminal/output.ts'

const NAME = 'identifai-sync'

export function completionCommand() {
  return new Command('completion')
    .description('print the completion script of a shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(['bash', 'zsh', 'fish'] as const))
    .addHelpText(
      'after',
      `
To load it in each new shell, add a line to ~/.bashrc, to ~/.zshrc, or to ~/.config/fish/config.fish:
  source <(identifai-sync completion bash)
  source <(identifai-sync completion zsh)
  identifai-sync completion fish | source`,
    )
    .action((shell, _, command) => {
      const { root, commands } = describe(command.parent as CommandUnknownOpts)
      print(shell === 'fish' ? fishScript(root, commands) : bashScript(root, commands))
    })
}

/** A command, and the words that can follow it. */
interface Completion {
  /** The command with those that it belongs to: `report forced`. Empty for the program. */
  readonly path: string
  readonly description: string
  readonly subcommands: readonly CommandUnknownOpts[]
  readonly options: readonly OptionWords[]
  /** The values of its argument; none where they are not known. */
  readonly choices: readonly string[]
}

interface OptionWords {
  readonly long: string
  readonly description: string
  readonly takesValue: boolean
  readonly choices: readonly string[]
}

function describe(program: CommandUnknownOpts) {
  const root = completionOf(program, '')
  const of = (command: CommandUnknownOpts, path: string): Completion[] => [
    completionOf(command, path),
    ...command.commands.flatMap((one) => of(one, `${path} ${one.name()}`)),
  ]
  return { root, commands: program.commands.flatMap((command) => of(command, command.name())) }
}

function completionOf(command: CommandUnknownOpts, path: string): Completion {
  const help = command.createHelp()
  return {
    path,
    description: command.description(),
    subcommands: help.visibleCommands(command),
    options: help.visibleOptions(command).map(({ long, description, required, optional, argChoices }) => ({
      long: long ?? '',
      description,
      takesValue: required || optional,
      choices: argChoices ?? [],
    })),
    choices: command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []),
  }
}

/**
 * A script for bash, which zsh can load, too. Where it knows no word, the shell completes the names of files, which many
 * options and arguments take.
 */
function bashScript(root: Completion, commands: readonly Completion[]): string {
  const globals = root.options.map(({ long }) => long)
  const paths = commands.map(({ path }) => `'${path}'`).join('|')
  const words = [root, ...commands].map(({ path, subcommands, options, choices }) => {
    const names = subcommands.map((command) => command.name())
    const all = new Set([...names, ...choices, ...options.map(({ long }) => long), ...globals])
    return `    '${path}') candidates='${[...all].join(' ')}' ;;`
  })
  const values = [root, ...commands].flatMap(({ path, options }) =>
    options
      .filter(({ takesValue }) => takesValue)
      .map(({ long, choices }) => {
        const pattern = path === '' ? `*' ${long}'` : `'${path} ${long}'`
        return `    ${pattern}) candidates='${choices.join(' ')}' ;;`
      }),
  )
  return `# Completion of ${NAME} for bash and zsh.
if [ -n "\${ZSH_VERSION:-}" ]; then autoload -U +X compinit && compinit -u && autoload -U +X bashcompinit && bashcompinit; fi
_identifai_sync() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} command= next= candidates= at
  for ((at = 1; at < COMP_CWORD; at++)); do
    next="\${command:+$command }\${COMP_WORDS[at]}"
    case $next in ${paths}) command=$next ;; esac
  done
  case $command in
${words.join('\n')}
  esac
  case "$command $previous" in
${values.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$candidates" -- "$current"))
}
complete -o default -F _identifai_sync ${NAME}`
}

function fishScript(root: Completion, commands: readonly Completion[]): string {
  const lines = [root, ...commands].flatMap(({ path, subcommands, options, choices }) => {
    const seen = path.split(' ').map((name) => `__fish_seen_subcommand_from ${name}`)
    const names = subcommands.map((command) => command.name())
    const unseen =
      path === '' ? '__fish_use_subcommand' : `not __fish_seen_subcommand_from ${names.join(' ')}`
    const condition = path === '' ? '' : ` -n '${seen.join('; and ')}'`
    const forNames = path === '' ? unseen : [...seen, ...(names.length > 0 ? [unseen] : [])].join('; and ')
    return [
      ...subcommands.map(
        (command) => `-n '${forNames}' -f -a ${command.name()} -d '${quoted(command.description())}'`,
      ),
      ...(choices.length > 0 ? [`-n '${forNames}' -f -a '${choices.join(' ')}'`] : []),
      ...options.map(
        ({ long, description, takesValue, choices: values }) =>
          `${condition.trim()} -l ${long.slice(2)}${takesValue ? ' -r' : ''}${values.length > 0 ? ` -f -a '${values.join(' ')}'` : ''} -d '${quoted(description)}'`,
      ),
    ]
  })
  return [
    `# Completion of ${NAME} for fish.`,
    ...lines.map((line) => `complete -c ${NAME} ${line.trim()}`),
  ].join('\n')
}

function quoted(text: string): string {
  return text.replace(/['\\]/g, (character) => `\\${character}`)
}
