import { AsyncLocalStorage } from 'node:async_hooks'
import type { Middleware, ResponseBody } from '../interface/application.ts'
import { closeBody, forwarded, iteratorOf } from './response-body.ts'

/**
 * Values that belong to what is going on, a request for instance, and are seen by all that it calls, however often it waits: Werkzeug's `Local` on
 * Node's `AsyncLocalStorage`.
 *
 * ```ts
 * const local = new Local<{ user: User }>()
 * export const application = local.middleware(Request.application(handler)) // each request has its own
 * local.set('user', user)
 * const user = local.proxy('user') // wherever it is used, it is the user of the request
 * ```
 */
export class Local<Values extends object> {
  readonly #storage = new AsyncLocalStorage<Partial<Values>>()

  /** Calls a function in a context of its own, which begins with these values. */
  run<Result>(values: Partial<Values>, callback: () => Result): Result {
    return this.#storage.run({ ...values }, callback)
  }

  /** Whether there is a context. */
  get active(): boolean {
    return this.#storage.getStore() !== undefined
  }

  /** Undefined where the value is not set, or there is no context. */
  get<Name extends keyof Values>(name: Name): Values[Name] | undefined {
    return this.#storage.getStore()?.[name]
  }

  /** Throws where there is no context: the value would be everybody's. */
  set<Name extends keyof Values>(name: Name, value: Values[Name]): void {
    this.#context(name)[name] = value
  }

  delete(name: keyof Values): void {
    delete this.#context(name)[name]
  }

  /** Forgets all values of the context. */
  release(): void {
    const store = this.#storage.getStore()
    if (store === undefined) return
    for (const name of Object.keys(store)) delete store[name as keyof Values] // they are its own
  }

  /** Stands for the value that is set wherever it is used. The value is an object or a function. */
  proxy<Name extends keyof Values>(name: Name): Values[Name] & object {
    return localProxy(() => {
      const value = this.get(name)
      if (typeof value !== 'object' && typeof value !== 'function')
        throw new Error(`There is no ${String(name)} here: nothing has set it`)
      // It was looked at above; null is refused where it is used.
      return value as Values[Name] & object
    })
  }

  /** Gives every request a context of its own, in which the application is called and its body is made. */
  get middleware(): Middleware {
    return (application) => (environ, startResponse) =>
      this.run({}, () => {
        const inContext = AsyncLocalStorage.snapshot()
        const body = application(environ, startResponse)
        return body instanceof Promise ? body.then((each) => bound(each, inContext)) : bound(body, inContext)
      })
  }

  #context(name: keyof Values): Partial<Values> {
    const store = this.#storage.getStore()
    if (store === undefined) throw new Error(`${String(name)} cannot be set here: nothing is going on that it could belong to`)
    return store
  }
}

type Runner = <Result>(callback: () => Result) => Result

/** The server asks for chunks in a context of its own: here they are made in that of the request. */
function bound(body: ResponseBody, inContext: Runner): ResponseBody {
  if (body === null || typeof body !== 'object' || body instanceof Uint8Array || Array.isArray(body)) return body
  const iterate = () =>
    forwarded(
      inContext(() => iteratorOf(body)),
      inContext,
    )
  return { [Symbol.asyncIterator]: iterate, close: () => inContext(() => closeBody(body)) }
}

/** An object that is another one each time it is used: the one that `find` gives then. */
export function localProxy<Target extends object>(find: () => Target): Target {
  const handler: ProxyHandler<object> = {
    get: (_, key) => {
      const target = find()
      const value: unknown = Reflect.get(target, key, target)
      // Methods of classes with private members do not take a proxy for `this`.
      return typeof value === 'function' && key !== 'constructor' ? (value.bind(target) as unknown) : value
    },
    set: (_, key, value) => {
      const target = find()
      return Reflect.set(target, key, value, target)
    },
    has: (_, key) => Reflect.has(find(), key),
    deleteProperty: (_, key) => Reflect.deleteProperty(find(), key),
    getPrototypeOf: () => Reflect.getPrototypeOf(find()),
    ownKeys: () => Reflect.ownKeys(find()),
    getOwnPropertyDescriptor: (_, key) => {
      const descriptor = Reflect.getOwnPropertyDescriptor(find(), key)
      // A proxy may not show as fixed what the object behind it does not have.
      return descriptor === undefined ? undefined : { ...descriptor, configurable: true }
    },
    apply: (_, self, args) => Reflect.apply(find() as () => unknown, self, args) as unknown, // called as what it stands for
  }
  // A function, so that what it stands for may be called, too. It has no members that it would have to show.
  return new Proxy(Object.setPrototypeOf(() => {}, null) as object, handler) as Target
}
