// A form, and the SHA-256 of what is sent to it: the body goes through in pieces and is never held as a whole.
//
//   tsgi-express start-server examples/upload.ts --limit-request-body 1GB
//   curl --data-binary @big.iso -H 'Content-Type: application/octet-stream' http://127.0.0.1:8000/
import { createHash } from 'node:crypto'

import type { Application } from 'tsgi'

const FORM = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Upload</title>
<style>:root { color-scheme: light dark } body { font: 16px/1.5 system-ui, sans-serif; margin: 4rem auto; max-width: 32rem; padding: 0 1rem }</style>
<h1>Upload</h1>
<form method="post" enctype="multipart/form-data">
  <p><input type="file" name="file" aria-label="File" required> <button>Send</button></p>
</form>
<p>The answer is the length and the SHA-256 of the request's body. From a browser that is the whole form, from curl the file alone.</p>
</html>
`

export const application: Application = async (environ, startResponse) => {
  switch (environ.REQUEST_METHOD) {
    case 'GET':
    case 'HEAD':
      startResponse('200 OK', [['Content-Type', 'text/html; charset=utf-8']])
      return FORM
    case 'POST':
    case 'PUT': {
      const hash = createHash('sha256')
      let bytes = 0
      for await (const chunk of environ['tsgi.input']) {
        hash.update(chunk)
        bytes += chunk.length
      }
      startResponse('200 OK', [['Content-Type', 'text/plain; charset=utf-8']])
      return `${bytes} bytes\nsha256 ${hash.digest('hex')}\n`
    }
    default:
      startResponse('405 Method Not Allowed', [['Allow', 'GET, HEAD, POST, PUT']])
      return null
  }
}
