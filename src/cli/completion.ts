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
      const completions = completionsOf(command.parent as CommandUnknownOpts, [])
      print(shell === 'fish' ? fishScript(completions) : bashScript(completions))
    })
}

/** A command, and the words that can follow it. */
interface Completion {
  /** The names of the command and of those that it belongs to: `report`, `forced`. Empty for the program. */
  readonly path: readonly string[]
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

/** The completions of a command, and then those of its subcommands. */
function completionsOf(command: CommandUnknownOpts, path: readonly string[]): Completion[] {
  const help = command.createHelp()
  const own = {
    path,
    subcommands: help.visibleCommands(command),
    options: help.visibleOptions(command).map(({ long, description, required, optional, argChoices }) => ({
      long: long ?? '',
      description,
      takesValue: required || optional,
      choices: argChoices ?? [],
    })),
    choices: command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []),
  }
  return [own, ...command.commands.flatMap((one) => completionsOf(one, [...path, one.name()]))]
}

/**
 * A script for bash, which zsh can load, too. Where it knows no word, the shell completes the names of files, which many
 * options and arguments take.
 */
function bashScript(completions: readonly Completion[]): string {
  const [root, ...commands] = completions
  const globals = (root as Completion).options.map(({ long }) => long)
  const paths = commands.map(({ path }) => `'${path.join(' ')}'`).join('|')
  const words = completions.map(({ path, subcommands, options, choices }) => {
    const names = subcommands.map((command) => command.name())
    const all = new Set([...names, ...choices, ...options.map(({ long }) => long), ...globals])
    return `    '${path.join(' ')}') candidates='${[...all].join(' ')}' ;;`
  })
  const values = completions.flatMap(({ path, options }) =>
    options
      .filter(({ takesValue }) => takesValue)
      .map(({ long, choices }) => {
        // The options of the program can follow any command.
        const start = path.length === 0 ? `*' ` : `'${path.join(' ')} `
        return `    ${start}${long}') candidates='${choices.join(' ')}' ;;`
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

function fishScript(completions: readonly Completion[]): string {
  const lines = completions.flatMap(({ path, subcommands, options, choices }) => {
    const seen = path.map((name) => `__fish_seen_subcommand_from ${name}`)
    const names = subcommands.map((command) => command.name())
    const first = names.length === 0 ? seen : [...seen, `not __fish_seen_subcommand_from ${names.join(' ')}`]
    return [
      ...subcommands.map((command) => fishLine(first, [command.name()], [described(command.description())])),
      ...(choices.length > 0 ? [fishLine(first, choices, [])] : []),
      ...options.map(({ long, description, takesValue, choices: values }) =>
        fishLine(seen, values, [
          `-l ${long.slice(2)}`,
          ...(takesValue ? ['-r'] : []),
          described(description),
        ]),
      ),
    ]
  })
  return [`# Completion of ${NAME} for fish.`, ...lines].join('\n')
}

function fishLine(conditions: readonly string[], words: readonly string[], more: readonly string[]): string {
  return [
    `complete -c ${NAME}`,
    ...(conditions.length > 0 ? [`-n '${conditions.join('; and ')}'`] : []),
    ...(words.length > 0 ? [`-f -a '${words.join(' ')}'`] : []),
    ...more,
  ].join(' ')
}

function described(text: string): string {
  return `-d '${text.replace(/['\\]/g, (character) => `\\${character}`)}'`
}
