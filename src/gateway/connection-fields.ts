/**
 * Fields between the client and the proxy (RFC 9110, section 7.6.1), the body's framing, which CONTENT_LENGTH has, and Proxy,
 * which CGI would turn into the HTTP_PROXY variable of every HTTP client library.
 */
export function belongsToConnection(name: string): boolean {
  switch (name.length) {
    case 7:
      return name === 'HTTP_TE'
    case 10:
      return name === 'HTTP_PROXY'
    case 11:
      return name === 'HTTP_EXPECT'
    case 15:
      return name === 'HTTP_CONNECTION' || name === 'HTTP_KEEP_ALIVE'
    case 17:
      return name === 'HTTP_CONTENT_TYPE' || name === 'HTTP_X_TSGI_PROBE'
    case 19:
      return name === 'HTTP_CONTENT_LENGTH'
    case 21:
      return name === 'HTTP_PROXY_CONNECTION'
    case 22:
      return name === 'HTTP_TRANSFER_ENCODING'
    case 24:
      return name === 'HTTP_PROXY_AUTHORIZATION'
    default:
      return false
  }
}
