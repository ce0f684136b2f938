import { LightRequest } from './fetch-request.ts'
import { LightResponse } from './fetch-response.ts'

let exchanged = false

/**
 * Exchanges what the process knows as `Request`, `Response` and `fetch`, once, when the first fetch application is served:
 * `new Response()` makes a light one, `new Request()` and `fetch()` take a light Request for what it stands for. Everything else
 * is Node's: names, static members, and what is an instance of what, for objects made before and behind.
 */
export function exchangeGlobals(): void {
  if (exchanged) return
  exchanged = true
  const { Request: NativeRequest, Response: NativeResponse, fetch: nativeFetch } = globalThis
  LightRequest.inherit(NativeRequest)
  LightResponse.inherit(NativeResponse)
  // A proxy has the prototype of what it stands for, so that `instanceof` needs nothing of its own.
  const GatewayRequest: typeof NativeRequest = new Proxy(NativeRequest, {
    construct(target, args: unknown[], newTarget): Request {
      const [input, init, ...rest] = args
      const given = [LightRequest.native(input), streamable(init), ...rest]
      // `construct` gives what `target` constructs.
      return Reflect.construct(
        target,
        args.length < 2 ? given.slice(0, args.length) : given,
        newTarget === GatewayRequest ? target : newTarget,
      ) as Request
    },
  })
  const gatewayFetch = new Proxy(nativeFetch, {
    apply(target, self, args: unknown[]) {
      const [input, ...rest] = args
      return Reflect.apply(target, self, args.length === 0 ? [] : [LightRequest.native(input), ...rest]) as Promise<Response>
    },
  })
  for (const prototype of [NativeRequest.prototype, LightRequest.prototype]) setConstructor(prototype, GatewayRequest)
  setConstructor(NativeResponse.prototype, LightResponse)
  setGlobal('Request', GatewayRequest)
  setGlobal('Response', LightResponse)
  setGlobal('fetch', gatewayFetch)
}

/**
 * Node wants `duplex: 'half'` beside a body that is a stream, other platforms do not, and @hono/node-server adds it: applications
 * are written without it.
 */
function streamable(init: unknown): unknown {
  if (typeof init !== 'object' || init === null || !('body' in init) || 'duplex' in init) return init
  return init.body instanceof ReadableStream ? Object.create(init, { duplex: { value: 'half', enumerable: true } }) : init
}

function setConstructor(prototype: object, value: unknown): void {
  Object.defineProperty(prototype, 'constructor', { value, writable: true, enumerable: false, configurable: true })
}

function setGlobal(name: 'Request' | 'Response' | 'fetch', value: unknown): void {
  const enumerable = Object.getOwnPropertyDescriptor(globalThis, name)?.enumerable === true
  Object.defineProperty(globalThis, name, { value, writable: true, enumerable, configurable: true })
}
