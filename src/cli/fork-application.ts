import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'

import { detailOf, TsgiError } from '../interface/errors.ts'
import { loaderUrl } from '../loading/typescript-loader.ts'
import { foldOwnFrames } from '../process/own-frames.ts'
import type { BootFailure } from '../process/worker-messages.ts'
import { workerRights } from '../process/worker-rights.ts'
import { workerVariables } from '../settings/env-file.ts'
import type { Settings } from '../settings/settings.ts'

/** Starts a process for an application, with what a worker finds around it. `entry`: path of what runs there. */
export function forkApplication(entry: string, loader: boolean, settings: Settings<'serve'>): ChildProcess {
  const { directory } = workerRights(settings)
  return fork(entry, {
    execArgv: loader ? ['--import', loaderUrl()] : [],
    // What the application prints is not what was found.
    stdio: ['ignore', 2, 2, 'ipc'],
    env: { NODE_ENV: 'production', NODE_APP_INSTANCE: '0', ...process.env, ...workerVariables(settings, process.env) },
    ...(directory === undefined ? {} : { cwd: directory }),
  })
}

/** The error as that process has seen it, with the frames of the application. */
export function failureOf({ code, message, stack }: BootFailure): TsgiError {
  const [first = '', ...rest] = foldOwnFrames(stack)
  const isSaid = message.endsWith(first.replace(/^\w*Error: /, ''))
  return new TsgiError(code, [detailOf({ code, message }), ...(isSaid ? rest : [first, ...rest])].join('\n'))
}
