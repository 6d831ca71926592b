import manifest from '../../package.json' with { type: 'json' }

/** Version of this software, as package.json says it. */
export const VERSION: string = manifest.version
