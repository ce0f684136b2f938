import { fileURLToPath } from 'node:url'

// The packages are installed one folder up.
const root = fileURLToPath(new URL('..', import.meta.url))

export default {
  output: 'standalone',
  outputFileTracingRoot: root,
  turbopack: { root },
  poweredByHeader: false,
}
