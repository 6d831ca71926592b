/** One line that is rewritten in place on a terminal; elsewhere nothing, log lines tell the story. */
export interface ProgressLine {
  readonly isShown: boolean
  readonly show: (text: string) => void
  readonly clear: () => void
}

export function createProgressLine(output: NodeJS.WriteStream): ProgressLine {
  if (!output.isTTY) return { isShown: false, show: () => {}, clear: () => {} }
  const rewrite = (text: string) => {
    output.cursorTo(0)
    output.clearLine(1)
    output.write(text)
  }
  return {
    isShown: true,
    // One column stays free, or the cursor would wrap; a terminal without a size reports 0.
    show: (text) => rewrite(text.slice(0, (output.columns || 80) - 1)),
    clear: () => rewrite(''),
  }
}
