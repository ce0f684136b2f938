import { locateApp } from '../../loading/app-specifier.ts'
import { workerRights } from '../../process/worker-rights.ts'
import { readSettings } from '../../settings/settings-read.ts'
import type { Invocation, ReadSettings } from '../../settings/settings-read.ts'
import { resolveSettings } from '../../settings/settings.ts'
import { findProxy } from '../find-proxy.ts'
import { proxyAccount } from '../proxy-account.ts'
import { describeServerRoot } from '../server-root.ts'
import { styled } from '../terminal-colour.ts'
import { again, fail, reason } from './check.ts'
import type { Check, Finding, Patient } from './check.ts'
import { CHECKS } from './checks.ts'
import { thisMachine } from './machine.ts'

/** A finding with the check that it is from. */
export interface Diagnosis extends Finding {
  readonly check: string
}

type Read = Pick<ReadSettings<'start-server'>, 'settings' | 'file'> & { readonly app: string | undefined }

/** Looks for everything that breaks such set-ups. Never rejects for what it finds: a setting that cannot be read is a finding, too. */
export async function examine(
  invocation: Invocation<'start-server'>,
  args: readonly string[],
  checks: readonly Check[] = CHECKS,
): Promise<Diagnosis[]> {
  const patient = await admit(invocation, args)
  const found: Diagnosis[] = []
  for (const { id, look } of checks) found.push({ check: id, ...(await lookSafely(look, patient)) })
  return found
}

/** What the checks look at. */
async function admit(invocation: Invocation<'start-server'>, args: readonly string[]): Promise<Patient> {
  const { settings, file, app: said, settingsProblem, appProblem } = await readOrDefaults(invocation)
  // One that is not there is one fault, whatever else would need it.
  const found = await tried(() => (said === undefined ? undefined : locateApp(said, invocation.directory)))
  const app = found.problem === undefined ? said : undefined
  const proxy = await tried(() => findProxy(settings.serverType, settings.proxyExecutable))
  const account = await tried(() => (proxy.value === undefined ? undefined : proxyAccount(workerRights(settings).account)))
  return {
    machine: thisMachine(),
    directory: invocation.directory,
    args,
    settings,
    settingsProblem,
    file,
    app,
    appProblem: appProblem ?? found.problem,
    proxy: proxy.value,
    proxyProblem: proxy.problem ?? account.problem,
    account: account.value,
    root: describeServerRoot(settings.serverRoot, settings.mount.length, proxy.value),
  }
}

/** A missing application is one finding, a wrong setting another; the defaults stand in for what cannot be read. */
async function readOrDefaults(
  invocation: Invocation<'start-server'>,
): Promise<Read & { settingsProblem: unknown; appProblem: unknown }> {
  const read = await tried((): Promise<Read> => readSettings(invocation))
  if (read.value !== undefined) return { ...read.value, settingsProblem: undefined, appProblem: undefined }
  // With any application: what is wrong then is a setting.
  const second = await tried(() => readSettings({ ...invocation, app: '.' }))
  if (second.value !== undefined) {
    return { ...second.value, app: undefined, settingsProblem: undefined, appProblem: read.problem }
  }
  const { app } = invocation
  const settings = resolveSettings({}, {}, 'start-server')
  return { settings, file: undefined, app, settingsProblem: second.problem, appProblem: read.problem }
}

async function tried<T>(act: () => T | Promise<T>): Promise<{ value?: T; problem?: unknown }> {
  try {
    return { value: await act() }
  } catch (problem) {
    return { problem }
  }
}

async function lookSafely(look: Check['look'], patient: Patient): Promise<Finding> {
  try {
    return await look(patient)
  } catch (error) {
    return fail(`it could not be looked at: ${reason(error)}`, again(['start-server', '--check-config'], patient.args))
  }
}

const COLOURS = { ok: 'green', warn: 'yellow', fail: 'red' } as const

/** The findings for a person, each with its fix, and how many there are in the last line. */
export function diagnosisText(found: readonly Diagnosis[], colour: boolean): string {
  const width = Math.max(...found.map(({ check }) => check.length))
  const lines = found.flatMap(({ check, status, seen, fix }) => {
    const mark = styled(COLOURS[status], status.padEnd(4), colour)
    const first = `${mark}  ${check.padEnd(width)}  ${plain(seen)}`
    return fix === undefined ? [first] : [first, `${' '.repeat(width + 8)}fix: ${plain(fix)}`]
  })
  const count = (status: Finding['status']): number => found.filter((each) => each.status === status).length
  return `${[...lines, '', `${count('fail')} failed, ${count('warn')} to look at, ${count('ok')} fine`].join('\n')}\n`
}

/** Names of files may hold anything, and must not act on the terminal. */
function plain(text: string): string {
  return text.replace(/[\0-\x1f\x7f-\x9f\u2028\u2029]/g, '?')
}
