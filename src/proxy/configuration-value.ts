import { quote, TsgiError } from '../interface/errors.ts'

/** A value that came from outside: the proxy sees exactly these characters, whatever they are. */
export interface Literal {
  readonly literal: string
}

/**
 * The text, unless it has a control character, a line separator or half a surrogate pair: none belongs in a configuration.
 * Throws `TSGI_ERR_OPTION`.
 */
export function printable(text: string, option: string | undefined, proxy: string): string {
  if (/[\0-\x1f\x7f-\x9f\u2028\u2029]|\p{Surrogate}/u.test(text)) {
    throw invalid(option, `${quote(text)} has a control character, which ${proxy}'s configuration cannot hold`)
  }
  return text
}

/** An argument as it is written, unless it is longer than the proxy reads. Throws `TSGI_ERR_OPTION`. */
export function bounded(text: string, maxBytes: number, option: string | undefined, proxy: string): string {
  if (new TextEncoder().encode(text).length > maxBytes) {
    throw invalid(option, `${quote(text)} is longer than ${maxBytes} bytes, which ${proxy} does not read`)
  }
  return text
}

/** A word of our own. What is checked here can end no directive and start no variable, so that no value gets in as a word. */
export function word(text: string): string {
  if (!/^[\w.:/@=!~^[\]-]+$/.test(text)) throw new Error(`${quote(text)} must be written as a literal`)
  return text
}

/** What an option gives that a configuration cannot hold. */
export function invalid(option: string | undefined, detail: string): TsgiError {
  return new TsgiError('TSGI_ERR_OPTION', option === undefined ? detail : `--${option}: ${detail}`)
}
