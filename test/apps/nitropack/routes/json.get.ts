export default defineEventHandler(() => ({ framework: 'nitropack', list: [1, 2, 3], nested: { text: 'caf\u00e9' } }))
