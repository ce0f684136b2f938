import { join } from 'node:path'
import { expect } from 'vitest'

import { CHECKS } from '../../src/launcher/doctor/checks.ts'
import type { Finding, Patient } from '../../src/launcher/doctor/check.ts'
import { thisMachine } from '../../src/launcher/doctor/machine.ts'
import type { Machine } from '../../src/launcher/doctor/machine.ts'
import { nginxDriver } from '../../src/launcher/nginx-driver.ts'
import { describeServerRoot } from '../../src/launcher/server-root.ts'
import { resolveSettings } from '../../src/settings/settings.ts'

/** What to plant: options as commander has them, and whatever else is not as it should be. */
export interface Fault extends Partial<Omit<Patient, 'machine' | 'settings' | 'root'>> {
  readonly options?: Record<string, unknown>
  readonly machine?: Partial<Machine>
}

/** A healthy patient with one fault. */
export function patient({ options = {}, machine = {}, ...rest }: Fault): Patient {
  const settings = resolveSettings(options, {}, 'start-server')
  const nginx = nginxDriver('/usr/sbin/nginx', { version: '1.22.1', without: new Set(), with: new Set() })
  return {
    machine: { ...thisMachine(), ...machine },
    directory: process.cwd(),
    args: ['app.js', '--user', 'www-data'],
    settingsProblem: undefined,
    file: undefined,
    app: join(import.meta.dirname, 'apps/hello.js'),
    appProblem: undefined,
    proxy: nginx,
    proxyProblem: undefined,
    account: undefined,
    ...rest,
    settings,
    root: describeServerRoot(settings.serverRoot, settings.mount.length, 'proxy' in rest ? rest.proxy : nginx),
  }
}

/** What one check finds. */
export async function look(id: string, fault: Fault = {}): Promise<Finding> {
  const check = CHECKS.find((each) => each.id === id)
  if (check === undefined) throw new Error(`there is no check ${id}`)
  const found = await check.look(patient(fault))
  // Whoever is told of a fault is told what to do.
  expect(found.status === 'ok' || (found.fix ?? '') !== '').toBe(true)
  return found
}
