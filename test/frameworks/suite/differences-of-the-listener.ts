import { dropFields, forgetAnswers, replaceFields } from './difference.ts'
import type { Difference } from './difference.ts'
import { rewriteJson } from './json-body.ts'
import { BINARY, EVERY_BINARY, EVERY_WAY } from './ways.ts'

/** Differences that only the application shows that looks for them: test/apps/listener. */
export const OF_THE_LISTENER: readonly Difference[] = [
  {
    name: 'res.sendDate is false',
    reason: "The date of a response is the proxy's to say.",
    ways: EVERY_BINARY,
    cases: /^heads: report(?:, HEAD)?$/,
    takesAway: (conversation) => {
      rewriteJson(conversation, (value) => {
        delete value.sendDate
      })
      replaceFields(conversation, /^Content-Length: 26[56]$/, 'Content-Length: N')
    },
  },
  {
    name: "The application's Date and Server reach the client",
    reason: 'nginx drops them from what it gets by proxy_pass, and has no such rule for FastCGI and uwsgi.',
    ways: BINARY,
    cases: /^heads: own-(?:date|server)$/,
    takesAway: (conversation) => {
      dropFields(conversation, /^(?:Date|Server): /)
    },
  },
  {
    name: 'Fields of the connection do not reach the client',
    reason:
      'Trailer, Upgrade, Status and Proxy-* belong to the connection with the client, or mean something to a gateway (RFC 3875, section 6.3.3; RFC 9110, section 7.6.1).',
    ways: EVERY_BINARY,
    cases: /^heads: (?:trailers|upgrade-required|status-field|proxy-authenticate)$/,
    takesAway: (conversation) => {
      dropFields(conversation, /^(?:Trailer|Upgrade|Status|Proxy-Authenticate): /)
    },
  },
  {
    name: 'Interim responses are not sent',
    reason: 'FastCGI and uwsgi carry one response. Their callbacks are called.',
    ways: EVERY_BINARY,
    cases: /^heads: interim-callbacks$/,
    takesAway: (conversation) => {
      for (const answer of conversation.answers) answer.interim = []
      dropFields(conversation, /^(?:Server|Connection|Keep-Alive|Date): /)
    },
  },
  {
    name: 'rawHeaders has names as they are mostly written',
    reason: 'A gateway does not tell the case of a name.',
    ways: EVERY_BINARY,
    cases: /^requests: raw names in small letters$/,
    takesAway: (conversation) => {
      rewriteJson(conversation, (value) => {
        for (const key of ['names', 'raw']) value[key] = (value[key] as unknown[]).map((text) => String(text).toLowerCase())
      })
    },
  },
  {
    name: 'req.socket.server is undefined',
    reason: 'The socket of a request that came over a binary protocol belongs to no server of Node.',
    ways: EVERY_BINARY,
    cases: /^requests: socket$/,
    takesAway: (conversation) => {
      rewriteJson(conversation, (value) => {
        delete value.server
      })
    },
  },
  {
    name: 'req.socket does not know the port of the client',
    reason: 'Over HTTP by a unix socket the client is known by X-Forwarded-For, which has no port.',
    ways: ['HTTP', 'Apache HTTP'],
    cases: /^requests: socket$/,
    takesAway: (conversation) => {
      rewriteJson(conversation, (value) => {
        delete value.remotePort
      })
    },
  },
  {
    name: 'req.socket does not know the local address',
    reason: 'The server listens on a unix socket, and HTTP has no field for the address that the client came to.',
    ways: ['HTTP', 'Apache HTTP'],
    cases: /^requests: local-address$/,
    takesAway: (conversation) => {
      rewriteJson(conversation, (value) => {
        for (const key of Object.keys(value)) delete value[key]
      })
    },
  },
  {
    name: 'res has members of its own',
    reason: 'end and writeHead are in the response itself, for frameworks exchange the prototype.',
    ways: EVERY_BINARY,
    cases: /^requests: instances$/,
    takesAway: (conversation) => {
      rewriteJson(conversation, (value) => {
        const { responseKeys: keys } = value
        if (Array.isArray(keys)) value.responseKeys = keys.filter((key) => key !== 'end' && key !== 'writeHead')
      })
    },
  },
  {
    name: 'The server listens to the response by other events',
    reason: 'What Node has on finish, tsgi has on the socket; its embedded server counts requests on close.',
    ways: EVERY_WAY,
    cases: /^requests: listeners$/,
    takesAway: (conversation) => {
      rewriteJson(conversation, (value) => {
        delete value.response
      })
    },
  },
  {
    name: 'A failure of writing becomes a 500',
    reason: 'Where the head is not sent yet, a response that could not be written is answered for; Node cuts the connection.',
    ways: EVERY_BINARY,
    cases: /^refusals: unknown encoding$/,
    takesAway: forgetAnswers,
  },
  {
    name: 'res.socket is still there on close',
    reason: 'Node takes the socket of a response away for the next one on the connection. Here it is that of this request alone.',
    ways: EVERY_BINARY,
    cases: /^events: /,
    takesAway: (conversation) => {
      conversation.log = conversation.log.map((entry) => entry.replace(/socket=(?:null|there)$/, 'socket=?'))
    },
  },
  {
    name: 'Events of a request that is given up come in another order',
    reason: 'A real socket closes a turn of the event loop later, when the kernel has closed it.',
    ways: EVERY_BINARY,
    cases: /^events: (?:destroy-request|error-in-pipeline|socket-timeout|waits-then-answers)/,
    takesAway: (conversation) => {
      conversation.log.sort()
    },
  },
  {
    name: 'The end of a request comes a little later among the events of its response',
    reason: 'Node 26 puts the end of a request without a body into its stream before the listener is called.',
    ways: EVERY_BINARY,
    sinceNode: 26,
    cases: /^events: /,
    takesAway: (conversation) => {
      const ofRequest = (entry: string): boolean => /^(?:req|finished\(req\)|end|close) /.test(entry)
      const { log } = conversation
      // Late callbacks are called between the two.
      const late = (entry: string): boolean => entry.startsWith('late ')
      conversation.log = [
        ...log.filter((entry) => !ofRequest(entry) && !late(entry)),
        ...log.filter(ofRequest),
        ...log.filter(late),
      ]
    },
  },
  {
    name: 'stream.finished() calls a destroyed request that was not read incomplete',
    reason: 'Node has put the end of a request without a body into its stream by then; here it is put there when somebody reads.',
    ways: EVERY_BINARY,
    cases: /^events: destroy-request/,
    takesAway: (conversation) => {
      conversation.log = conversation.log.filter((entry) => !entry.startsWith('finished(req)'))
    },
  },
  {
    name: 'A body that is still read after the response is aborted',
    reason: 'The exchange with the proxy is over with the response: over uwsgi, so is the connection.',
    ways: EVERY_BINARY,
    cases: /^events: before-the-body/,
    takesAway: (conversation) => {
      conversation.log = conversation.log.filter((entry) => !/^(?:req|finished\(req\)) /.test(entry))
    },
  },
]
