/** What the light Request and the light Response share: how they pass for the native ones. */

/**
 * Completes a light class, whose objects stand in for those of a native class: they are instances of it, and every member
 * that the light class does not have itself is looked up at a native object that `nativeOf` makes.
 */
export function inheritFrom<Light extends object>(
  light: { readonly prototype: Light },
  native: { readonly prototype: object },
  nativeOf: (value: Light) => object,
): void {
  for (const name of Object.getOwnPropertyNames(native.prototype)) {
    const descriptor = Object.getOwnPropertyDescriptor(native.prototype, name)
    if (name === 'constructor' || descriptor === undefined) continue
    const own = Object.getOwnPropertyDescriptor(light.prototype, name)
    const { enumerable } = descriptor
    if (own !== undefined) Object.defineProperty(light.prototype, name, { ...own, enumerable: enumerable === true })
    else if (descriptor.get !== undefined) {
      const get = function (this: Light): unknown {
        return Reflect.get(nativeOf(this), name)
      }
      Object.defineProperty(light.prototype, name, { get, enumerable: enumerable === true, configurable: true })
    } else if (typeof descriptor.value === 'function') {
      const method = descriptor.value as (this: object, ...args: unknown[]) => unknown
      const value = function (this: Light, ...args: unknown[]): unknown {
        return method.apply(nativeOf(this), args)
      }
      Object.defineProperty(light.prototype, name, { value, writable: true, enumerable: enumerable === true, configurable: true })
    }
  }
  Object.setPrototypeOf(light.prototype, native.prototype)
}

/** Makes `target` hold what `source` holds: what was set on the one that was given out is in the other. */
export function copyHeaders(source: Headers, target: Headers): void {
  if (source === target) return
  for (const name of [...target.keys()]) target.delete(name)
  for (const [name, value] of source) target.append(name, value)
}
