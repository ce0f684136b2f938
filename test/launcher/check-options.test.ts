import { describe, expect, it } from 'vitest'

import { checkOptions, doubts } from '../../src/launcher/check-options.ts'
import { resolveSettings } from '../../src/settings/settings.ts'
import type { Settings } from '../../src/settings/settings.ts'

function settings(commandLine: Record<string, unknown>): Settings<'start-server'> {
  return resolveSettings(commandLine, {}, 'start-server')
}

function refusal(commandLine: Record<string, unknown>, proxied = true): unknown {
  try {
    checkOptions(settings(commandLine), proxied)
    return undefined
  } catch (error) {
    return error
  }
}

const TLS = { httpsPort: '8443', sslCertificateFile: 'c.pem', sslCertificateKeyFile: 'k.pem' }

describe('an option that does nothing by itself', () => {
  it.each<[Record<string, unknown>, string]>([
    [{ serverAlias: ['a.test'] }, '--server-alias does nothing without --server-name'],
    [{ allowLocalhost: 'true' }, '--allow-localhost does nothing without --server-name'],
    [{ httpsPort: '8443' }, '--https-port does nothing without --ssl-certificate-file'],
    [{ httpsPort: '0' }, '--https-port does nothing without --ssl-certificate-file'],
    [{ sslCertificateFile: 'c' }, '--ssl-certificate-file does nothing without --https-port'],
    [{ httpsPort: '1', sslCertificateFile: 'c' }, '--ssl-certificate-file does nothing without --ssl-certificate-key-file'],
    [{ sslCertificateKeyFile: 'k' }, '--ssl-certificate-key-file does nothing without --ssl-certificate-file'],
    [{ sslCertificateChainFile: 'k' }, '--ssl-certificate-chain-file does nothing without --ssl-certificate-file'],
    [{ httpsOnly: 'true' }, '--https-only does nothing without --https-port'],
    [{ hstsPolicy: 'max-age=1' }, '--hsts-policy does nothing without --https-port'],
    [{ sslCaCertificateFile: 'c' }, '--ssl-ca-certificate-file does nothing without --https-port'],
    [{ ...TLS, sslVerifyClient: ['/x'] }, '--ssl-verify-client does nothing without --ssl-ca-certificate-file'],
    [{ sslEnvironment: 'true' }, '--ssl-environment does nothing without --https-port'],
    [{ directoryIndex: 'index.html' }, '--directory-index does nothing without --document-root or --url-alias'],
    [{ directoryListing: 'true' }, '--directory-listing does nothing without --document-root or --url-alias'],
    [{ errorOverride: 'true' }, '--error-override does nothing without --error-document'],
    [{ authExempt: ['/login'] }, '--auth-exempt does nothing without --auth-url'],
    [{ trustProxyHeader: 'X-Real-IP' }, '--trust-proxy-header does nothing without --trust-proxy'],
    [{ http2: 'false' }, '--no-http2 does nothing without --https-port'],
    [{ accessLog: 'off', accessLogFormat: 'json' }, '--access-log-format does nothing with --access-log off'],
    [{ logSyslogTo: 'udp://127.0.0.1:514' }, '--log-syslog-to does nothing without --access-log syslog'],
    [{ accessLog: 'x.log', logSyslogFacility: 'local1' }, '--log-syslog-facility does nothing without --access-log syslog'],
    [{ proxyTimeout: '5s' }, '--proxy-timeout does nothing without --proxy-mount-point or --proxy-virtual-host'],
  ])('%j is refused', (commandLine, message) => {
    expect(refusal(commandLine)).toMatchObject({ code: 'TSGI_ERR_OPTION', message: expect.stringContaining(message) })
  })

  it('is taken with its sibling', () => {
    expect(
      refusal({
        ...TLS,
        httpsOnly: 'true',
        hstsPolicy: 'max-age=1; includeSubDomains',
        serverName: 'a.test',
        serverAlias: ['*.a.test'],
      }),
    ).toBeUndefined()
    expect(refusal({ urlAlias: ['/x=y'], directoryIndex: 'index.html' })).toBeUndefined()
    expect(refusal({ ...TLS, http2: 'false' })).toBeUndefined()
    // Behind a proxy there is an access log.
    expect(refusal({ accessLogFormat: 'json' })).toBeUndefined()
    expect(refusal({ accessLogFormat: 'json' }, false)).toMatchObject({
      message: expect.stringContaining('without --access-log'),
    })
    expect(refusal({ accessLogFormat: 'json', accessLog: '-' }, false)).toBeUndefined()
    expect(refusal({ accessLog: 'syslog', logSyslogPrefix: 'shop' })).toBeUndefined()
  })
})

describe('options that contradict each other', () => {
  it.each<[Record<string, unknown>, string]>([
    [{ ...TLS, port: '8443' }, '--port and --https-port are both 8443'],
    [{ mountPoint: '/a', mount: ['/a/=b.ts'] }, '--mount-point and --mount both take /a/'],
    [{ mount: ['/a=b.ts', '/a=c.ts'] }, '--mount and --mount both take /a'],
    [{ urlAlias: ['/s=/x'], proxyMountPoint: ['/s/=http://h/'] }, '--url-alias and --proxy-mount-point both take /s/'],
    [{ urlAlias: ['/=/x'] }, '--mount-point and --url-alias both take /'],
    [{ serverName: 'a.test', proxyVirtualHost: ['A.test=http://h/'] }, '--proxy-virtual-host takes A.test'],
    [{ errorDocument: ['404=/a', '404=/b'] }, '--error-document is given twice for 404'],
    [{ headerTimeout: '20s', headerMaxTimeout: '10s' }, '--header-max-timeout (10 s) is shorter than --header-timeout (20 s)'],
    [{ bodyMaxTimeout: '10s' }, '--body-max-timeout (10 s) is shorter than --body-timeout (30 s)'],
  ])('%j are refused', (commandLine, message) => {
    expect(refusal(commandLine)).toMatchObject({ code: 'TSGI_ERR_OPTION', message: expect.stringContaining(message) })
  })
})

describe('without a proxy', () => {
  it.each<[Record<string, unknown>, string]>([
    [TLS, '--https-port is done by a proxy, and none is installed'],
    [{ ...TLS, serverType: 'embedded' }, '--https-port is done by a proxy, and --server-type embedded has none'],
    [{ documentRoot: '/x' }, '--document-root'],
    [{ mount: ['/a=b.ts'] }, '--mount'],
    [{ maxClients: '5' }, '--max-clients'],
    [{ includeFile: ['x'] }, '--include-file'],
  ])('%j is refused', (commandLine, message) => {
    expect(refusal(commandLine, false)).toMatchObject({ code: 'TSGI_ERR_OPTION', message: expect.stringContaining(message) })
  })

  it('the rest is taken', () => {
    expect(refusal({ processes: '2', mountPoint: '/x', limitRequestBody: '1MB' }, false)).toBeUndefined()
  })
})

describe('a doubt', () => {
  it('is a graceful timeout that cuts off requests that are in time', () => {
    expect(doubts(settings({ gracefulTimeout: '5s' }))).toEqual([
      expect.objectContaining({ seen: expect.stringContaining('--graceful-timeout is shorter') }),
    ])
    expect(doubts(settings({ gracefulTimeout: '5s', requestTimeout: '5s' }))).toEqual([])
    expect(doubts(settings({}))).toEqual([])
  })

  it('is a policy for HTTPS that nobody is led to', () => {
    expect(doubts(settings({ ...TLS, hstsPolicy: 'max-age=1' }))).toEqual([
      expect.objectContaining({ seen: expect.stringContaining('--https-only') }),
    ])
    expect(doubts(settings({ ...TLS, hstsPolicy: 'max-age=1', httpsOnly: 'true' }))).toEqual([])
  })
})
