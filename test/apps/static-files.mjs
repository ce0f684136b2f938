import { fileURLToPath } from 'node:url'

/** The folder of static files. Apart from the rest, for a bundler takes the URL for a module. */
export const PUBLIC = fileURLToPath(new URL('public', import.meta.url))
