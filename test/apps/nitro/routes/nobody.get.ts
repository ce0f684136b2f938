import { defineHandler, noContent } from 'nitro/h3'

export default defineHandler(() => noContent(204))
