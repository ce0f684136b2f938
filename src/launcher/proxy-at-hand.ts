import { TsgiError } from '../interface/errors.ts'
import { findProxy } from './find-proxy.ts'
import type { ProxyDriver } from './proxy-driver.ts'

/** The proxy of this type that is installed here; undefined where there is none, unless an executable was named: then as `findProxy`. */
export async function proxyAtHand<T extends ProxyDriver['type']>(
  type: T,
  executable: string | undefined,
): Promise<Extract<ProxyDriver, { type: T }> | undefined> {
  try {
    const found = await findProxy(type, executable)
    // The compiler does not narrow by a type that is a parameter.
    return found?.type === type ? (found as Extract<ProxyDriver, { type: T }>) : undefined
  } catch (error) {
    if (executable === undefined && error instanceof TsgiError && error.code === 'TSGI_ERR_PROXY_NOT_FOUND') return undefined
    throw error
  }
}
