import { defineHandler } from 'nitro/h3'

export default defineHandler(() => ({ framework: 'nitro', list: [1, 2, 3], nested: { text: 'caf\u00e9' } }))
