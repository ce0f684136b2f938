import { styleText } from 'node:util'

export type Format = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'

/** True where colours can be shown and nobody has asked for none (no-color.org). */
export function wantsColour(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY && (process.env.NO_COLOR ?? '') === '' && process.env.TERM !== 'dumb'
}

/** `text` with ANSI styles where `colour` says so, which `wantsColour` has decided: util.styleText would decide again, by other rules (CI). */
export function styled(format: Format, text: string, colour: boolean): string {
  return colour ? styleText(format, text, { validateStream: false }) : text
}
