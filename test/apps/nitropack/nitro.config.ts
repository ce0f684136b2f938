import { defineNitroConfig } from 'nitropack/config'

export default defineNitroConfig({
  compatibilityDate: '2025-07-01',
  // The folder for each preset: they are built side by side.
  publicAssets: [{ dir: '../public', baseURL: '/static' }],
  serveStatic: true,
  output: { dir: `.output/${process.env.NITRO_PRESET ?? 'node-server'}` },
})
