// A WebSocket that sends back what it gets, and a page that talks to it.
//
//   npm install ws
//   tsgi-express start-server examples/websocket.ts
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import type { Application, Environ } from 'tsgi'
import { WebSocketServer } from 'ws'

const webSockets = new WebSocketServer({ noServer: true })

export const application: Application = (environ, startResponse) => {
  const upgrade = environ['tsgi.upgrade']
  if (upgrade !== undefined) {
    webSockets.handleUpgrade(requestOf(environ), upgrade(), Buffer.alloc(0), (socket) => {
      socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
    })
    return null
  }
  startResponse('200 OK', [['Content-Type', 'text/html; charset=utf-8']])
  return PAGE
}

/** What ws looks at of a request: the method and the header fields. */
function requestOf(environ: Environ): IncomingMessage {
  const request = new IncomingMessage(new Socket())
  request.method = environ.REQUEST_METHOD
  request.url = environ.REQUEST_URI
  for (const [name, value] of Object.entries(environ)) {
    if (name.startsWith('HTTP_')) request.headers[name.slice(5).toLowerCase().replaceAll('_', '-')] = String(value)
  }
  return request
}

const PAGE = `<!doctype html>
<html lang="en">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Echo</title>
<form><input name="text" aria-label="Text" autofocus> <button>Send</button></form>
<ul></ul>
<script>
  const socket = new WebSocket(location.href.replace(/^http/, 'ws'))
  const show = (text) => document.querySelector('ul').appendChild(document.createElement('li')).append(text)
  socket.onopen = () => show('connected')
  socket.onmessage = ({ data }) => show(data)
  socket.onclose = ({ code }) => show('closed: ' + code)
  document.forms[0].onsubmit = (event) => {
    event.preventDefault()
    socket.send(document.forms[0].text.value)
    document.forms[0].reset()
  }
</script>
</html>
`
