import type { Socket } from 'node:net'
import { findParam } from '../gateway/params.ts'
import { ScgiDecoder } from '../protocol/scgi/index.ts'
import type { ScgiEvent } from '../protocol/scgi/index.ts'
import type { ConnectionServer } from './connection.ts'
import { SingleRequestConnection } from './single-request-connection.ts'

/** The one request of an SCGI connection. */
export class ScgiConnection extends SingleRequestConnection<ScgiEvent> {
  protected readonly decoder: ScgiDecoder
  // CGI's field, which every proxy takes; Apache knows no status line here.
  protected readonly prefix = 'Status: '
  protected readonly name = 'an SCGI'

  constructor(server: ConnectionServer, socket: Socket) {
    super(server, socket)
    this.decoder = new ScgiDecoder({ maxParamsBytes: server.limits.maxParamsBytes })
  }

  protected override handle(event: ScgiEvent): void {
    switch (event.type) {
      case 'request':
        this.startRequest(event.contentLength === 0 ? withoutLength(event.params) : event.params, event.contentLength)
        return
      case 'body':
        this.bodyCame(event.data)
        return
      case 'end':
        this.bodyEnded()
        return
    }
  }

  protected override headWait(): string {
    return 'the headers'
  }
}

/**
 * The protocol has a length for every request, and 0 for those without a body. An application is told what it is told over every
 * other wire, where only a client that says 0 has said it; nginx passes on what the client says.
 */
function withoutLength(params: string[]): string[] {
  // The codec has seen that it comes first.
  if (findParam(params, 'HTTP_CONTENT_LENGTH') !== '0') params[1] = ''
  return params
}
