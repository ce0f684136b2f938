import type { IncomingMessage, ServerResponse } from 'node:http'

import { type Format, styled } from '../launcher/terminal-colour.ts'

/** What the person at the terminal is told once the application serves. */
export interface DevelopmentBanner {
  readonly urls: readonly string[]
  readonly application: string
  readonly kind: string
  readonly watched: string
  /** Who may connect, where that is more than this machine. */
  readonly exposure: string | undefined
  readonly certificate: string | undefined
}

/** Longest request target that a line shows, characters. */
const MAX_TARGET = 200

/** Lines of the development server for a terminal. */
export class TerminalLines {
  readonly #colour: boolean

  /** `colour`: with ANSI styles. */
  constructor(colour: boolean) {
    this.#colour = colour
  }

  banner({ urls, application, kind, watched, exposure, certificate }: DevelopmentBanner): string {
    const rows: [name: string, value: string | undefined][] = [
      ...urls.map((url): [string, string] => ['URL', this.#style('bold', url)]),
      ['Application', kind === '' ? application : `${application} (${kind})`],
      ['Watching', watched],
      ['Certificate', certificate],
      ['Open to', exposure === undefined ? undefined : this.#style('yellow', exposure)],
    ]
    return rows
      .flatMap(([name, value]) => (value === undefined ? [] : [`${this.#style('dim', `${name.padEnd(11)} :`)} ${value}\n`]))
      .join('')
  }

  /** `changed`: what caused it; undefined at the start. */
  serving(ms: number, changed: string | undefined): string {
    const time = `${Math.round(ms)} ms`
    return changed === undefined
      ? `${this.#style('green', 'Ready')} after ${time}; Ctrl-C ends it\n`
      : `${this.#style('green', 'Reloaded')} in ${time}: ${shown(changed)}\n`
  }

  failed(changed: string | undefined): string {
    const cause = changed === undefined ? '' : `: ${shown(changed)}`
    return `${this.#style('red', 'Does not load')}${cause}; the next change tries again\n`
  }

  /** `GET /path 200 12 ms` */
  request({ method = '', url = '' }: IncomingMessage, response: ServerResponse, ms: number): string {
    const status = response.writableFinished ? String(response.statusCode) : response.headersSent ? 'broken off' : 'left'
    const colour =
      response.statusCode >= 500 || !response.writableFinished ? 'red' : response.statusCode >= 400 ? 'yellow' : 'green'
    return `${shown(method)} ${shown(url)} ${this.#style(colour, status)} ${this.#style('dim', `${Math.round(ms)} ms`)}\n`
  }

  #style(format: Format, text: string): string {
    return styled(format, text, this.#colour)
  }
}

/** Bounded, and without what moves a terminal's cursor. */
function shown(text: string): string {
  const bounded = text.length > MAX_TARGET ? `${text.slice(0, MAX_TARGET)}…` : text
  return bounded.replace(
    /[\0-\x1f\x7f-\x9f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
