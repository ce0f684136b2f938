import { serve } from 'h3'
import app from './app.js'

serve(app, { port: Number(process.env.PORT ?? 3000), hostname: '127.0.0.1', silent: true })
