import type { Environ } from '../../interface/application.ts'
import { quote, TsgiError } from '../../interface/errors.ts'
import { nearestName } from '../../loading/nearest-name.ts'
import { HTTPException } from '../http-exception.ts'
import { BadRequest } from '../plain-exceptions.ts'
import { redirect } from '../redirect.ts'
import type { Response } from '../response.ts'
import type { BuildValues, CompiledRule } from './compiled-rule.ts'
import type { Endpoint } from './rule.ts'

/** 308: what was asked for is at another address, to which method and body go again. */
export class RequestRedirect extends HTTPException {
  /** The whole URL. */
  readonly newUrl: string
  readonly #location: string

  /** `location`: what the client is told, where that is less than the whole. */
  constructor(newUrl: string, location = newUrl) {
    super(308, `The address is ${newUrl}.`)
    this.newUrl = newUrl
    this.#location = location
  }

  override getResponse(_environ?: Environ): Response {
    return redirect(this.#location, 308)
  }
}

/** 400: a WebSocket handshake for what is no WebSocket, or the other way round. */
export class WebsocketMismatch extends BadRequest {
  constructor() {
    super('This address takes requests of another kind.')
  }
}

/** `TSGI_ERR_URL_BUILD`: there is no URL of this endpoint and these values. Says what was missing, and what may have been meant. */
export class BuildError extends TsgiError {
  readonly endpoint: Endpoint
  readonly values: BuildValues
  readonly method: string | undefined
  /** The endpoint that may have been meant. */
  readonly suggested: Endpoint | undefined

  constructor(
    endpoint: Endpoint,
    values: BuildValues,
    method: string | undefined,
    rules: Iterable<CompiledRule>,
    refused?: string,
  ) {
    const all = [...rules]
    const known = all.filter((rule) => rule.endpoint === endpoint)
    const name = nameOf(endpoint)
    const near =
      known.length > 0
        ? undefined
        : nearestName(
            name,
            all.map((rule) => nameOf(rule.endpoint ?? '')),
          )
    const suggested =
      near === undefined ? undefined : all.find((rule) => rule.endpoint !== undefined && nameOf(rule.endpoint) === near)
    const of = `${quote(name)} with ${listOf(Object.keys(values), 'values', 'no values')}`
    super('TSGI_ERR_URL_BUILD', `${of}.${hintOf({ known, values, method, near, refused })}`)
    this.endpoint = endpoint
    this.values = values
    this.method = method
    this.suggested = known[0]?.endpoint ?? suggested?.endpoint
  }
}

interface Hint {
  readonly known: readonly CompiledRule[]
  readonly values: BuildValues
  readonly method: string | undefined
  readonly near: string | undefined
  readonly refused: string | undefined
}

function hintOf({ known, values, method, near, refused }: Hint): string {
  if (refused !== undefined) return ` ${refused}`
  if (known.length === 0) return near === undefined ? ' No rule has this endpoint.' : ` Did you mean ${quote(near)} instead?`
  const ofMethod = known.filter((rule) => method === undefined || rule.methods?.has(method) !== false)
  if (ofMethod.length === 0) {
    const methods = [...new Set(known.flatMap((rule) => [...(rule.methods ?? [])]))]
    return ` There is none for ${quote(method)}. Did you mean ${listOf(methods.sort(), 'methods', 'another method')}?`
  }
  const missing = ofMethod.map((rule) =>
    [...rule.arguments].filter((each) => !(each in rule.defaults) && (values[each] ?? null) === null),
  )
  const least = missing.reduce((left, right) => (right.length < left.length ? right : left))
  if (least.length > 0) return ` Did you forget to give ${listOf(least, 'values', '')}?`
  return ' A value is not the default that the rule has for it.'
}

function listOf(names: readonly string[], word: string, none: string): string {
  return names.length === 0 ? none : `${word} ${names.map((name) => quote(name)).join(', ')}`
}

function nameOf(endpoint: Endpoint): string {
  return typeof endpoint === 'string' ? endpoint : endpoint.name
}
