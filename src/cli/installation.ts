import path from 'node:path'

/** In a checkout the TypeScript itself runs, and there is no command of its own. */
const IS_CHECKOUT = import.meta.url.endsWith('.ts')

/** How this program is called from where it runs. */
export function invocation(command: string): string {
  return IS_CHECKOUT ? `npm run --silent cli -- ${command}` : `identifai-sync ${command}`
}

/** The folder of the documents that messages name, as it is on this machine. */
export const DOCUMENTS = path.resolve(import.meta.dirname, IS_CHECKOUT ? '../../docs' : '../../../docs')
