import path from 'node:path'

/** In a checkout the TypeScript itself runs. */
const IS_CHECKOUT = import.meta.url.endsWith('.ts')

/** The folder of the documents that messages name, as it is on this machine. */
export const DOCUMENTS = path.resolve(import.meta.dirname, IS_CHECKOUT ? '../../docs' : '../../../docs')
