import { UWSGI_PONG, UwsgiDecoder } from '../protocol/uwsgi/index.ts'
import type { UwsgiEvent } from '../protocol/uwsgi/index.ts'
import { SingleRequestConnection } from './single-request-connection.ts'

/** The one request of a uwsgi connection. */
export class UwsgiConnection extends SingleRequestConnection<UwsgiEvent> {
  protected readonly decoder = new UwsgiDecoder()
  protected readonly prefix = 'HTTP/1.1 '
  protected readonly name = 'a uwsgi'

  protected override handle(event: UwsgiEvent): void {
    switch (event.type) {
      case 'request':
        this.startRequest(event.params, event.contentLength)
        return
      case 'body':
        this.bodyCame(event.data)
        return
      case 'end':
        this.bodyEnded()
        return
      case 'ping':
        this.socket.write(UWSGI_PONG)
        this.close()
        return
    }
  }

  protected override headWait(): string {
    return 'a packet'
  }
}
