import { absolute } from '../absolute-path.ts'
import type { Site, Tls } from '../site.ts'
import { directive, from, literal, own, section } from './directive.ts'
import type { Node } from './directive.ts'
import { below } from './workers.ts'

/** Ciphers of TLS 1.2 with forward secrecy and authenticated encryption (Mozilla's "intermediate"); those of 1.3 are all good. */
const CIPHERS = [
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':')

/** Authorities between a client's certificate and the one in the file. */
const CLIENT_CHAIN = 5

/** What every server of the process shares. */
export function sessionCache({ tls }: Site): Node[] {
  if (tls === undefined) return []
  // Relative: below the server root.
  return [directive('SSLSessionCache', own('shmcb:tls-sessions(512000)')), { comment: '' }]
}

/** For a server that speaks HTTPS. */
export function tlsDirectives(tls: Tls): Node[] {
  const { certificateFile, keyFile, clients, http2, environment } = tls
  return [
    directive('SSLEngine', 'On'),
    from('ssl-certificate-file', directive('SSLCertificateFile', literal(absolute(certificateFile)))),
    from('ssl-certificate-key-file', directive('SSLCertificateKeyFile', literal(absolute(keyFile)))),
    directive('SSLProtocol', '-all', own('+TLSv1.2'), own('+TLSv1.3')),
    directive('SSLCipherSuite', CIPHERS),
    directive('SSLSessionTickets', 'Off'),
    from('http2', directive('Protocols', ...(http2 ? ['h2'] : []), 'http/1.1')),
    ...(clients === undefined
      ? []
      : [
          from('ssl-ca-certificate-file', directive('SSLCACertificateFile', literal(absolute(clients.caFile)))),
          directive('SSLVerifyClient', 'optional'),
          directive('SSLVerifyDepth', CLIENT_CHAIN),
        ]),
    ...(environment
      ? [
          from('ssl-environment', directive('SSLOptions', own('+StdEnvVars'))),
          ...(clients === undefined
            ? []
            : [
                { comment: 'URL-encoded: a variable has one line.' },
                directive('SetEnvIfExpr', own('escape(%{SSL_CLIENT_CERT}) =~ /^(.+)$/'), own('SSL_CLIENT_CERT=$1')),
              ]),
        ]
      : []),
    { comment: '' },
  ]
}

/** Client certificates are demanded when the request is known: HTTP/2 knows no second handshake. */
export function clientChecks({ tls }: Site, secure: boolean): Node[] {
  if (tls?.clients === undefined) return []
  const { urls } = tls.clients
  // Nobody has one by plain HTTP.
  const demand = secure
    ? directive('Require', 'expr', own("%{SSL_CLIENT_VERIFY} == 'SUCCESS'"))
    : directive('Require', 'all', 'denied')
  return urls.length === 0
    ? [from('ssl-ca-certificate-file', section('Location', [own('/')], [demand]))]
    : urls.map((url) => from('ssl-verify-client', section('LocationMatch', [below(url.replace(/\/$/, ''))], [demand])))
}

/** A segment of dots, encoded or not, or a backslash, which URL parsers take for a slash. Browsers resolve them; the query is free. */
const AMBIGUOUS = '^\\S+ [^?\\s]*(?:\\\\|(?:/|%2f)(?:\\.|%2e){1,2}(?:[/?#\\s]|%2f))'

/**
 * httpd resolves `/secret/../open` and picks the rules for `/open`, while applications get what the client sent and may find their
 * `/secret` in it: such a path needs the certificate, too.
 */
export function ambiguityRules({ tls }: Site, secure: boolean): Node[] {
  if (tls?.clients === undefined || tls.clients.urls.length === 0) return []
  return [
    { comment: 'Paths that an application may read in another way.' },
    directive('RewriteCond', own('%{THE_REQUEST}'), own(AMBIGUOUS), own('[NC]')),
    ...(secure ? [directive('RewriteCond', own('%{SSL:SSL_CLIENT_VERIFY}'), own('!=SUCCESS'))] : []),
    from('ssl-verify-client', directive('RewriteRule', own('^'), own('-'), own('[F]'))),
  ]
}

/** Browsers come back by HTTPS only. RFC 6797 forbids the header by plain HTTP (7.2). */
export function hsts({ tls, trust }: Site, secure: boolean): Node[] {
  if (tls?.hstsPolicy === undefined || (!secure && trust === undefined)) return []
  const condition = secure ? [] : [own("expr=reqenv('HTTPS') == 'on'")]
  return [
    from('hsts-policy', directive('Header', 'always', 'set', 'Strict-Transport-Security', literal(tls.hstsPolicy), ...condition)),
  ]
}
