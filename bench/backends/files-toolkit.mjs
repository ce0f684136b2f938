/** Files by the toolkit, the directory `files` beside the socket. Usage: files-toolkit.mjs SOCKET */
import { dirname, join } from 'node:path'
import { serve } from '../../dist/index.js'
import { Request, sendFromDirectory } from '../../dist/toolkit/index.js'
import { reportTo } from './parent.mjs'

const root = join(dirname(process.argv[2]), 'files')
const application = Request.application((request) => sendFromDirectory(request, root, request.path.slice(1)))
await serve({ application, bind: `unix:${process.argv[2]}` })
reportTo(process)
