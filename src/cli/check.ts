import type { ChildProcess } from 'node:child_process'
import { basename, extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'

import { quote, TsgiError } from '../interface/errors.ts'
import { locateApp } from '../loading/app-specifier.ts'
import { loaderReason } from '../loading/typescript-loader.ts'
import { addSomeSettings } from '../settings/settings-options.ts'
import { readSettings } from '../settings/settings-read.ts'
import type { Settings } from '../settings/settings.ts'
import { readCheckMessage } from './check-messages.ts'
import type { CheckOrder, CheckResult } from './check-messages.ts'
import { describeCheck, severityCounts } from './check-report.ts'
import { failureOf, forkApplication } from './fork-application.ts'
import { addCommand } from './run-program.ts'

const ENTRY = fileURLToPath(new URL(`./check-process${extname(import.meta.url)}`, import.meta.url))

/** Of the options of `serve`, those that say what application this is and what it finds. */
const SETTINGS = ['interface', 'mountPoint', 'chdir', 'config', 'setenv', 'envFile', 'startupTimeout']

/** Longest time between two signs of life once the application is loaded, milliseconds: a request that is not answered takes 14 s. */
const SILENCE_MS = 30_000

interface CheckFlags extends Record<string, unknown> {
  readonly path?: readonly string[]
  readonly json?: true
}

/** `tsgi check`: the application under lint. */
export function addCheckCommand(program: Command): void {
  const command = addCommand(
    program,
    'check',
    'Send the application some requests under lint, and say what it does wrong',
  ).argument('[APP]', 'path[:export] of the application (default: app in tsgi.config.ts, else wsgi.ts or wsgi.js here)')
  addSomeSettings(command, 'serve', SETTINGS)
    .option(
      '--path <PATH>',
      'What to ask for below the mount point; may be given several times (default: /)',
      (path: string, earlier: readonly string[] | undefined) => [...(earlier ?? []), path],
    )
    .option('--json', 'Print what was found as JSON')
    .action(async (app: string | undefined, { path = ['/'], json, ...options }: CheckFlags) => {
      process.exitCode = await check(app, options, path, json === true)
    })
}

/** Resolves to the exit code: 1 where an error was found. */
async function check(
  given: string | undefined,
  options: Record<string, unknown>,
  paths: readonly string[],
  json: boolean,
): Promise<number> {
  for (const path of paths) {
    if (!/^\/[!"$-~]*$/.test(path)) {
      throw new TsgiError('TSGI_ERR_OPTION', `--path is ${quote(path)}, but takes what stands in a URL from its first slash on`)
    }
  }
  const read = await readSettings({
    command: 'serve',
    app: given,
    options,
    environment: process.env,
    directory: process.cwd(),
  })
  const { settings, app } = read
  const location = locateApp(app, process.cwd())
  const order = {
    file: location.file,
    exportName: location.exportName,
    interface: settings.interface,
    mountPoint: settings.mountPoint,
    paths,
  }
  const loader = loaderReason(location.file) !== undefined
  const first = await run({ ...order, loader }, settings)
  const result = first === 'needs-loader' ? await run({ ...order, loader: true }, settings) : first
  if (result === 'needs-loader') throw new TsgiError('TSGI_ERR_APP_LOAD', `${basename(location.file)}: not even with the loader`)
  const counts = severityCounts(result)
  if (json) process.stdout.write(`${JSON.stringify({ app, ...result, ...counts })}\n`)
  else process.stdout.write(describeCheck(app, result))
  return counts.errors > 0 ? 1 : 0
}

/** Rejects with what kept the application from being loaded, or ended its process. */
async function run(order: CheckOrder, settings: Settings<'serve'>): Promise<CheckResult | 'needs-loader'> {
  const child = forkApplication(ENTRY, order.loader, settings)
  try {
    return await outcome(child, order, settings.startupTimeout)
  } finally {
    child.kill('SIGKILL')
  }
}

function outcome(child: ChildProcess, order: CheckOrder, startupTimeoutMs: number): Promise<CheckResult | 'needs-loader'> {
  let at = 'its start'
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined
    const within = (ms: number): void => {
      clearTimeout(timer)
      timer = setTimeout(() => end(() => reject(gone(order, `no sign of life for ${ms / 1000} s in ${at}`))), ms)
    }
    const end = (settle: () => void): void => {
      clearTimeout(timer)
      settle()
    }
    within(startupTimeoutMs)
    child.on('error', (error) => end(() => reject(error)))
    child.on('exit', (code, signal) => {
      end(() => reject(gone(order, `the application's process ended in ${at} (${signal ?? `exit code ${code}`})`)))
    })
    child.on('message', (value) => {
      const message = readCheckMessage(value)
      switch (message?.check) {
        case undefined:
          return
        case 'step':
          at = message.at
          return within(SILENCE_MS)
        case 'needs-loader':
          return end(() => resolve('needs-loader'))
        case 'failed':
          return end(() => reject(failureOf(message.failure)))
        case 'done':
          return end(() => resolve(message.result))
      }
    })
    child.send(order)
  })
}

function gone({ file }: CheckOrder, how: string): TsgiError {
  return new TsgiError('TSGI_ERR_APPLICATION', `${basename(file)}: ${how}`)
}
