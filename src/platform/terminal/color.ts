import { styleText } from 'node:util'

/** The words for states, outcomes and findings, with their colors. */
const COLORS = {
  ok: 'green',
  succeeded: 'green',
  done: 'green',
  running: 'cyan',
  pending: 'cyan',
  warning: 'yellow',
  partial: 'yellow',
  missing: 'yellow',
  interrupted: 'yellow',
  skipped: 'yellow',
  error: 'red',
  errored: 'red',
  failed: 'red',
  quarantined: 'red',
} as const

const WORDS = new RegExp(`\\b(${Object.keys(COLORS).join('|')})\\b`, 'g')

/**
 * Colors the states and findings in a text for a terminal. Elsewhere it returns the text as it is, and also when NO_COLOR is
 * set. FORCE_COLOR colors it everywhere.
 */
export function colored(text: string, stream: NodeJS.WriteStream): string {
  return text.replace(WORDS, (word) => styleText(COLORS[word as keyof typeof COLORS], word, { stream }))
}

/** The values of --color. */
export const COLOR_CHOICES = ['auto', 'always', 'never'] as const

/** Sets the variables that this process and its libraries obey. */
export function chooseColor(choice: (typeof COLOR_CHOICES)[number]): void {
  if (choice === 'auto') return
  delete process.env.NO_COLOR
  delete process.env.FORCE_COLOR
  process.env[choice === 'always' ? 'FORCE_COLOR' : 'NO_COLOR'] = '1'
}
