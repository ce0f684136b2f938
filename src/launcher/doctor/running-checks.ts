import { lstatSync } from 'node:fs'

import { ask } from '../../process/control-client.ts'
import { packageVersion } from '../../process/package-version.ts'
import { shellLine } from '../shell-words.ts'
import { fail, ok, reason, warn } from './check.ts'
import type { Check, Patient } from './check.ts'

const running: Check = {
  id: 'running-server',
  about: 'A server that runs in the server root answers, has its workers, and is of this version',
  async look(patient) {
    const path = controlSocket(patient)
    if (path === undefined) return ok('none runs in this server root')
    const restart = shellLine([patient.root.controlScriptPath, 'restart'])
    try {
      const reply = await ask(path, { command: 'status' })
      if (!reply.ok) return fail(`${path}: ${reply.error.message}`, restart)
      const { pid, version, state, workers } = reply.result
      const counts = typeof workers === 'object' && workers !== null ? workers : {}
      const [ready, wanted] = [Number(Reflect.get(counts, 'ready')), Number(Reflect.get(counts, 'wanted'))]
      const seen = `pid ${String(pid)}, ${String(state)}, ${ready} of ${wanted} workers ready`
      if (ready < wanted) return warn(seen, shellLine(['tsgi', 'ctl', '--socket', path, 'workers']))
      if (version !== packageVersion())
        return warn(`${seen}, but it is version ${String(version)}, and this is ${packageVersion()}`, restart)
      return ok(seen)
    } catch (error) {
      return fail(reason(error), restart)
    }
  },
}

/** The control socket of the server root, where there is one. */
function controlSocket({ root, settings }: Patient): string | undefined {
  const path = settings.controlSocket ?? root.controlSocketPath
  return path !== undefined && path !== 'off' && lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true
    ? path
    : undefined
}

/** The pid of the server that runs in the server root. */
export async function runningPid(patient: Patient): Promise<number | undefined> {
  const path = controlSocket(patient)
  if (path === undefined) return undefined
  try {
    const reply = await ask(path, { command: 'status' })
    return reply.ok ? Number(reply.result['pid']) : undefined
  } catch {
    return undefined
  }
}

/** What concerns a server that runs. */
export const RUNNING_CHECKS: readonly Check[] = [running]
