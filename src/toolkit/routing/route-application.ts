import type { Application } from '../../interface/application.ts'
import { quote, TsgiError } from '../../interface/errors.ts'
import { MethodNotAllowed } from '../exceptions.ts'
import { Request } from '../request.ts'
import type { HandlerResult, RequestOptions } from '../request.ts'
import { Response } from '../response.ts'
import type { MapAdapter } from './map-adapter.ts'
import type { AnyRule, RouteHandler } from './rule.ts'
import type { RouteMap } from './route-map.ts'

export interface RouteOptions {
  /** The handlers of endpoints that are names. */
  readonly views?: Readonly<Record<string, RouteHandler>>
  /** See `bindToEnviron`. */
  readonly serverName?: string
}

/** See `RouteMap.application`. */
export function routeApplication(
  map: RouteMap,
  { views = {}, serverName, ...options }: RouteOptions & RequestOptions,
): Application {
  const handlers = new Map(Object.entries(views))
  for (const rule of map.iterRules()) checkHandler(rule, handlers)
  const binding = serverName === undefined ? {} : { serverName }

  return Request.application((request) => answer(request, map.bindToEnviron(request.environ, binding), handlers), options)
}

function answer(
  request: Request,
  urls: MapAdapter,
  handlers: ReadonlyMap<string, RouteHandler>,
): HandlerResult | Promise<HandlerResult> {
  let match: ReturnType<MapAdapter['matchRule']>
  try {
    match = urls.matchRule()
  } catch (error) {
    if (!(error instanceof MethodNotAllowed)) throw error
    const methods = [...error.validMethods, 'OPTIONS'].sort()
    if (request.method !== 'OPTIONS') throw new MethodNotAllowed(methods)
    return new Response(null, { status: 204, headers: [['Allow', methods.join(', ')]] })
  }
  const handler = typeof match.endpoint === 'string' ? handlers.get(match.endpoint) : match.endpoint
  if (handler === undefined) throw new TsgiError('TSGI_ERR_ROUTE', `there is no view ${quote(match.endpoint)}`)
  return handler(request, match.values, urls)
}

function checkHandler({ pattern, options }: AnyRule, handlers: ReadonlyMap<string, RouteHandler>): void {
  const { endpoint, buildOnly, redirectTo } = options
  if (buildOnly === true || redirectTo !== undefined || typeof endpoint === 'function') return
  if (endpoint === undefined) throw new TsgiError('TSGI_ERR_ROUTE', `${quote(pattern)} has no endpoint`)
  if (!handlers.has(endpoint))
    throw new TsgiError('TSGI_ERR_ROUTE', `${quote(pattern)}: views has no handler for ${quote(endpoint)}`)
}
