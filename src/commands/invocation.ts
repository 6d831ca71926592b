/** How this program is called from where it runs: in a checkout there is no command of its own. */
export function invocation(command: string): string {
  const isCheckout = import.meta.url.endsWith('.ts')
  return isCheckout ? `npm run --silent cli -- ${command}` : `identifai-sync ${command}`
}
