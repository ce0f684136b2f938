import { defineHandler, redirect } from 'nitro/h3'

export default defineHandler(() => redirect('/hello'))
