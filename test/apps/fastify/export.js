import { build } from './app.js'

export default await build()
