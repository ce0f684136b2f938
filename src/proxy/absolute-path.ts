import { quote, TsgiError } from '../interface/errors.ts'

/** A relative path would be taken from the proxy's prefix, and a word such as `off` or `syslog:` has a meaning of its own. */
export function absolute(text: string): string {
  if (!text.startsWith('/')) throw new TsgiError('TSGI_ERR_OPTION', `${quote(text)} is not an absolute path`)
  return text
}
