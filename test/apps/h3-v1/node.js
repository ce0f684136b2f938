import { toNodeListener } from 'h3'
import { app } from './app.js'

export default toNodeListener(app)
