/** The command as it was called, which the start script passes on: by its name, or by a path. */
function calledAs(): string {
  return process.env.CALLED_AS || 'identifai-sync'
}

/** A text of ours, in which every command is as the reader can call it. */
export function asCalled(text: string): string {
  return text.replace(/\bidentifai-sync (?=[a-z[-])/g, () => `${calledAs()} `)
}
