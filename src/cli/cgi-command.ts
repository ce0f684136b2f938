import { Option } from 'commander'
import type { Command } from 'commander'
import { CGI_FLAGS, cgiOptions } from './cgi-options.ts'
import type { CgiFlag } from './cgi-options.ts'
import { addCommand } from './run-program.ts'

/** `cgi`, for whoever asks for help or has made a mistake: `main.ts` goes past this. */
export function addCgiCommand(program: Command): void {
  // Options stand ahead of the application. Behind it stands what a web server may add, which comes from its client.
  program.enablePositionalOptions()
  const command = addCommand(program, 'cgi', 'Answer the one request that a web server has started this process for')
    .argument('<APP>', 'path[:export] of the application')
    .argument('[IGNORED...]', 'what a web server adds')
    .passThroughOptions()
  for (const [flag, help] of Object.entries(CGI_FLAGS)) command.addOption(new Option(`--${flag} <VALUE>`, help))
  command.action(async (app: string) => {
    const given: Partial<Record<CgiFlag, string>> = {}
    for (const flag of Object.keys(CGI_FLAGS) as CgiFlag[]) {
      const value: unknown = command.getOptionValue(flag.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase()))
      if (typeof value === 'string') given[flag] = value
    }
    const { cgi } = await import('./cgi.ts')
    process.exitCode = await cgi(app, cgiOptions(given, process.env))
  })
}
