import type { Environ } from '../interface/application.ts'
import { SecurityError } from './exceptions.ts'

/** A name, an IPv4 address or an IPv6 one in brackets, and a port: nothing that could end the authority of a URL. */
const HOST = /^(\[[\da-f:.]{2,45}\]|[\w.-]{1,255})(?::(\d{1,5}))?$/i

/**
 * The host that the client asks for, with its port where that is not the scheme's own. Without a `Host` field it is the server's name.
 *
 * `trustedHosts` are names as they are (`example.org`, `example.org:8000`), or with all below them (`.example.org`). Throws SecurityError (400) for a
 * host that is none, or none of them: links and mails are made of it.
 */
export function hostOf(environ: Environ, trustedHosts?: readonly string[]): string {
  const field = environ.HTTP_HOST
  const given = typeof field === 'string' && field !== '' ? field : serverOf(environ)
  const [, name, port] = HOST.exec(given) ?? []
  if (name === undefined) throw new SecurityError('The host of the request is none.')
  const host = port === undefined || port === defaultPort(environ) ? name : `${name}:${port}`
  if (trustedHosts !== undefined && !isTrusted(host, name, trustedHosts))
    throw new SecurityError('The host of the request is not trusted.')
  return host
}

function serverOf({ SERVER_NAME, SERVER_PORT }: Environ): string {
  // An IPv6 address comes without its brackets.
  return `${SERVER_NAME.includes(':') && !SERVER_NAME.startsWith('[') ? `[${SERVER_NAME}]` : SERVER_NAME}:${SERVER_PORT}`
}

function defaultPort(environ: Environ): string {
  return environ['tsgi.url_scheme'] === 'https' ? '443' : '80'
}

function isTrusted(host: string, name: string, trustedHosts: readonly string[]): boolean {
  const full = host.toLowerCase()
  const alone = name.toLowerCase().replace(/\.$/, '')
  return trustedHosts.some((each) => {
    const trusted = each.toLowerCase()
    if (trusted.startsWith('.')) return alone === trusted.slice(1) || alone.endsWith(trusted)
    return trusted === alone || trusted === full
  })
}
