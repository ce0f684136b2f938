import type { Application, Environ, Lifespan } from '../../interface/application.ts'
import { quote, TsgiError } from '../../interface/errors.ts'
import { handle } from '../../gateway/in-process.ts'
import type { HandleOptions } from '../../gateway/in-process.ts'
import { LifespanRunner } from '../../server/lifespan.ts'
import { CookieJar } from './cookie-jar.ts'
import type { CookieTarget, StoredCookie } from './cookie-jar.ts'
import { EnvironBuilder } from './environ-builder.ts'
import type { EnvironOptions } from './environ-builder.ts'
import { runApplication } from './run-application.ts'
import type { RunOptions } from './run-application.ts'
import { TestResponse } from './test-response.ts'

export interface ClientOptions extends HandleOptions {
  /** Keeps cookies and sends them again; yes when left out. */
  readonly useCookies?: boolean
  /** Redirects may lead to hosts below and above this one. */
  readonly allowSubdomainRedirects?: boolean
  /** That of the application when left out; see `startup`. */
  readonly lifespan?: Lifespan
  /** For all requests, unless they say otherwise. */
  readonly baseUrl?: string
  readonly environBase?: Readonly<Record<string, unknown>>
}

export interface OpenOptions extends EnvironOptions, HandleOptions {
  /** Goes on to where redirects lead; `history` of the response has them. */
  readonly followRedirects?: boolean
  /** False: resolves with the head; read the body of the response or close it. For streams without an end. */
  readonly buffered?: boolean
}

export interface ClientCookieOptions {
  /** `localhost` when left out; with all below it. */
  readonly domain?: string
  readonly path?: string
  readonly secure?: boolean
  /** For the domain alone; yes when left out. */
  readonly hostOnly?: boolean
}

/** As many as browsers follow. */
const MAX_REDIRECTS = 20

/** What a redirect says anew; credentials are among the header fields by then. */
const OF_ONE_REQUEST = ['method', 'queryString', 'auth']
const OF_A_BODY = ['data', 'files', 'json', 'contentType']

const REDIRECTS = new Set([301, 302, 303, 307, 308])

/**
 * Asks an application without a server, a socket or a proxy: `const response = await new Client(application).get('/')`.
 *
 * It has cookies of its own, as a browser has. The whole body is read before a call resolves, so that the application has done all it does.
 */
export class Client {
  readonly application: Application
  readonly cookies = new CookieJar()
  readonly #options: ClientOptions
  readonly #lifespan: LifespanRunner

  /** Throws `TSGI_ERR_LIFESPAN` where the lifespan is none. */
  constructor(application: Application, options: ClientOptions = {}) {
    this.application = application
    this.#options = options
    this.#lifespan = new LifespanRunner(options.lifespan ?? application.lifespan)
  }

  /** What the application does before its first request. Nothing does it unless you ask for it. Rejects with `TSGI_ERR_LIFESPAN`. */
  startup(): Promise<void> {
    return this.#lifespan.startup()
  }

  /** What it does behind its last one, where `startup` was called. Rejects with `TSGI_ERR_LIFESPAN`. */
  shutdown(): Promise<void> {
    return this.#lifespan.shutdown()
  }

  /** One request. Rejects with what the application throws, unless `raiseErrors` is false; with `TSGI_ERR_APPLICATION` where redirects do not end or lead to another host. */
  async open(request: string | EnvironOptions | EnvironBuilder, options: OpenOptions = {}): Promise<TestResponse> {
    let builder = this.#builder(request, options)
    let response = await this.#send(builder, options)
    const history: TestResponse[] = []
    while (options.followRedirects === true && REDIRECTS.has(response.statusCode) && response.location !== undefined) {
      if (history.length === MAX_REDIRECTS)
        throw new TsgiError(
          'TSGI_ERR_APPLICATION',
          `more than ${MAX_REDIRECTS} redirects, the last one to ${quote(response.location)}`,
        )
      await response.close()
      history.push(response)
      builder = this.#redirected(builder, response)
      response = await this.#send(builder, options, history)
    }
    return response
  }

  get(path: string, options?: OpenOptions): Promise<TestResponse> {
    return this.open(path, { ...options, method: 'GET' })
  }
  head(path: string, options?: OpenOptions): Promise<TestResponse> {
    return this.open(path, { ...options, method: 'HEAD' })
  }
  post(path: string, options?: OpenOptions): Promise<TestResponse> {
    return this.open(path, { ...options, method: 'POST' })
  }
  put(path: string, options?: OpenOptions): Promise<TestResponse> {
    return this.open(path, { ...options, method: 'PUT' })
  }
  patch(path: string, options?: OpenOptions): Promise<TestResponse> {
    return this.open(path, { ...options, method: 'PATCH' })
  }
  delete(path: string, options?: OpenOptions): Promise<TestResponse> {
    return this.open(path, { ...options, method: 'DELETE' })
  }
  options(path: string, options?: OpenOptions): Promise<TestResponse> {
    return this.open(path, { ...options, method: 'OPTIONS' })
  }
  trace(path: string, options?: OpenOptions): Promise<TestResponse> {
    return this.open(path, { ...options, method: 'TRACE' })
  }

  /** Serves an environ as it is: no cookies, no redirects. See `runApplication`. */
  handle(environ: Environ, options?: RunOptions): Promise<TestResponse> {
    return runApplication(this.application, environ, options)
  }

  /** Gives the client a cookie. The value is sent as it is. */
  setCookie(
    name: string,
    value: string,
    { domain = 'localhost', path = '/', secure = false, hostOnly = true }: ClientCookieOptions = {},
  ): void {
    this.cookies.set({ name, value, domain, hostOnly, path, secure, httpOnly: false, sameSite: undefined, expiresMs: undefined })
  }

  getCookie(name: string, { domain = 'localhost', path = '/' }: ClientCookieOptions = {}): StoredCookie | undefined {
    return this.cookies.get(name, domain, path)
  }

  deleteCookie(name: string, { domain = 'localhost', path = '/' }: ClientCookieOptions = {}): void {
    this.cookies.delete(name, domain, path)
  }

  #builder(request: string | EnvironOptions | EnvironBuilder, options: OpenOptions): EnvironBuilder {
    if (request instanceof EnvironBuilder) return request
    const { baseUrl, environBase } = this.#options
    const given = { ...(typeof request === 'string' ? { path: request } : request), ...options }
    const base = environBase === undefined ? {} : { environBase: { ...environBase, ...given.environBase } }
    return new EnvironBuilder({ ...(baseUrl === undefined ? {} : { baseUrl }), ...given, ...base })
  }

  async #send(builder: EnvironBuilder, options: OpenOptions, history: readonly TestResponse[] = []): Promise<TestResponse> {
    const { useCookies = true } = this.#options
    const environ = builder.getEnviron()
    const target = targetOf(builder)
    if (useCookies && !builder.headers.has('cookie')) {
      const field = this.cookies.fieldFor(target)
      if (field !== undefined) environ.HTTP_COOKIE = field
    }
    const raiseErrors = options.raiseErrors ?? this.#options.raiseErrors ?? true
    const { status, headers, body } = await handle(this.application, environ, { raiseErrors })
    const response = new TestResponse(body, { status, headers, contentType: null }, environ, [...history])
    if (options.buffered !== false) await response.data()
    if (useCookies) for (const field of response.headers.getAll('set-cookie')) this.cookies.take(field, target)
    return response
  }

  /** The request that a redirect asks for (RFC 9110, section 15.4). */
  #redirected(builder: EnvironBuilder, response: TestResponse): EnvironBuilder {
    const { scheme, host, scriptRoot, path, options } = builder
    const from = new URL(`${scheme}://${host}${scriptRoot}${path}`)
    const to = new URL(response.location ?? '', from)
    this.#checkHost(from, to)
    const isBelow = scriptRoot !== '' && (to.pathname === scriptRoot || to.pathname.startsWith(`${scriptRoot}/`))
    if (scriptRoot !== '' && !isBelow)
      throw new TsgiError('TSGI_ERR_APPLICATION', `the redirect to ${quote(to.href)} leads out of the mount point`)
    const code = response.statusCode
    const keepsMethod = code === 307 || code === 308 || builder.method === 'HEAD' || (code !== 303 && builder.method !== 'POST')
    const dropped = keepsMethod ? OF_ONE_REQUEST : [...OF_ONE_REQUEST, ...OF_A_BODY]
    // Options, fewer of them.
    const rest: EnvironOptions = Object.fromEntries(Object.entries(options).filter(([name]) => !dropped.includes(name)))
    const headers = builder.headers.toList().filter(([name]) => keepsMethod || !/^content-/i.test(name))
    return new EnvironBuilder({
      ...rest,
      method: keepsMethod ? builder.method : 'GET',
      // A Host of the first request's own is not that of another one.
      headers: to.host === from.host ? headers : headers.filter(([name]) => !/^(?:host|authorization)$/i.test(name)),
      baseUrl: `${to.protocol}//${to.host}${scriptRoot}/`,
      path: to.pathname.slice(scriptRoot.length) + to.search,
    })
  }

  #checkHost(from: URL, to: URL): void {
    if (to.hostname === from.hostname) return
    const near = to.hostname.endsWith(`.${from.hostname}`) || from.hostname.endsWith(`.${to.hostname}`)
    if (this.#options.allowSubdomainRedirects === true && near) return
    throw new TsgiError('TSGI_ERR_APPLICATION', `the redirect to ${quote(to.href)} leads to another host`)
  }
}

function targetOf({ scheme, host, scriptRoot, path }: EnvironBuilder): CookieTarget {
  return { host: new URL(`${scheme}://${host}/`).hostname, path: scriptRoot + path || '/', secure: scheme === 'https' }
}
