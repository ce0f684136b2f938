import { closeSync, mkdtempSync, openSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import type { Logger } from '../../interface/logger.ts'
import { locateApp } from '../../loading/app-specifier.ts'
import { loaderReason } from '../../loading/typescript-loader.ts'
import { Master } from '../../process/master.ts'
import { workerOptions } from '../../process/worker-options.ts'
import { workerRights } from '../../process/worker-rights.ts'
import { isAtLeast } from '../../proxy/version.ts'
import { closedTo, howToOpen, whatIsClosed } from '../closed-paths.ts'
import type { ClosedPath } from '../closed-paths.ts'
import { again, fail, ok, reason, warn } from './check.ts'
import type { Check, Patient } from './check.ts'
import { textOf } from './machine.ts'

/** The oldest Node that is tested. */
const OLDEST_NODE = '20.19.0'

const nodeVersion: Check = {
  id: 'node-version',
  about: 'Node is one that tsgi runs on, and one that is kept up',
  look({ machine: { nodeVersion: version } }) {
    const better = 'install Node 22 or 24: https://nodejs.org/en/download'
    if (!isAtLeast(version, OLDEST_NODE)) return fail(`Node ${version} is older than ${OLDEST_NODE}`, better)
    const odd = Number(version.split('.', 1)[0]) % 2 === 1
    return odd ? warn(`Node ${version} is of a line that is never kept up for long`, better) : ok(`Node ${version}`)
  },
}

const application: Check = {
  id: 'application',
  about: 'The application is where the command line, the configuration file or habit says',
  look({ app, appProblem, directory }) {
    if (app === undefined) return fail(reason(appProblem), 'tsgi-express doctor path/to/app.ts')
    try {
      return ok(locateApp(app, directory).file)
    } catch (error) {
      return fail(reason(error), 'tsgi-express doctor path/to/app.ts')
    }
  },
}

const applicationLoads: Check = {
  id: 'application-loads',
  about: 'A worker starts and loads the application, which is stopped again at once',
  async look(patient) {
    if (patient.app === undefined) return ok('not tried: there is no application')
    const places = mkdtempSync(join(tmpdir(), 'tsgi-doctor-'))
    const nowhere = openSync('/dev/null', 'w')
    try {
      const ms = await bootOnce(patient, patient.app, join(places, 'w.sock'), nowhere)
      return ok(`ready after ${Math.round(ms)} ms`)
    } catch (error) {
      const closed = closedApplication(patient, patient.app)
      return closed === undefined
        ? fail(reason(error), again(['start-server'], patient.args))
        : fail(whatIsClosed(closed, { user: patient.settings.user ?? '' }), howToOpen(closed))
    } finally {
      closeSync(nowhere)
      rmSync(places, { recursive: true, force: true })
    }
  },
}

/** The application's file, where `--user` may not read it. */
function closedApplication({ settings, directory }: Patient, app: string): ClosedPath | undefined {
  const { account } = workerRights(settings)
  if (account === undefined) return undefined
  const path = locateApp(app, directory).file
  const closed = closedTo(path, account)
  return closed === undefined ? undefined : { option: 'APP', path, closed }
}

const SILENT: Logger = { error() {}, warn() {}, info() {}, debug() {} }

async function bootOnce({ settings, file }: Patient, app: string, path: string, output: number): Promise<number> {
  const master = new Master({
    ...workerOptions({ ...settings, processes: 1, minProcesses: undefined }, app, SILENT, file),
    hooks: undefined,
    hooksFile: undefined,
    binds: [{ address: { type: 'unix', path }, protocol: 'auto', mode: 0o600 }],
    output: () => ({ stdout: output, stderr: output }),
  })
  try {
    return (await master.start()).bootMs
  } finally {
    await master.stop('quick')
  }
}

const typescript: Check = {
  id: 'typescript',
  about: 'How TypeScript is read: by Node itself, or by a loader, which makes each worker start more slowly',
  look({ app, directory }) {
    if (app === undefined) return ok('not looked at: there is no application')
    try {
      const { file } = locateApp(app, directory)
      const because = loaderReason(file)
      if (because !== undefined) return ok(`read by the loader, as ${because}`)
      return ok(/\.[cm]?ts$/.test(file) ? 'read by Node itself' : 'no TypeScript')
    } catch {
      return ok('not looked at: there is no application')
    }
  },
}

const firstProcess: Check = {
  id: 'first-process',
  about: 'Neither npm nor a shell stands between the container and the launcher, and keeps its signals',
  look({ machine: { proc, ppid } }) {
    const command = (pid: number): string => (textOf(join(proc, String(pid), 'cmdline')) ?? '').replaceAll('\0', ' ').trim()
    const manager = /(?:^|\/)(?:npm|npx|yarn|pnpm)(?:-cli\.js)?(?: |$)|^(?:npm|yarn|pnpm) /
    for (const pid of new Set([1, ppid])) {
      if (manager.test(command(pid)) || (pid === 1 && /^(?:\/bin\/)?(?:sh|bash) -c /.test(command(pid)))) {
        return warn(
          `pid ${pid} is ${JSON.stringify(command(pid).slice(0, 60))}: it keeps TERM and HUP from the server`,
          pid === 1
            ? 'CMD ["tsgi-express", "start-server", "wsgi.js"]'
            : 'npx tsgi-express is for trying: type tsgi-express by itself in services',
        )
      }
    }
    return ok(`pid 1 is ${JSON.stringify(command(1).slice(0, 60))}`)
  },
}

/** A clock that is wrong by less breaks no certificate. */
const DAY_MS = 86_400_000

const clock: Check = {
  id: 'clock',
  about: 'The clock is not behind the installation, as certificates and logs go by it',
  look({ machine: { now } }) {
    const installed = statSync(fileURLToPath(new URL('../../../package.json', import.meta.url)), { throwIfNoEntry: false })
    if (installed !== undefined && now < installed.mtimeMs - DAY_MS) {
      return fail(`it is ${new Date(now).toISOString()}, before tsgi was installed`, 'timedatectl set-ntp true')
    }
    return ok(new Date(now).toISOString())
  },
}

/** What concerns Node and the application. */
export const PROGRAM_CHECKS: readonly Check[] = [nodeVersion, application, applicationLoads, typescript, firstProcess, clock]
