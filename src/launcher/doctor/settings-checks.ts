import { statSync } from 'node:fs'

import { workerVariables } from '../../settings/env-file.ts'
import { isSecretName } from '../../settings/settings-print.ts'
import { checkOptions, doubts } from '../check-options.ts'
import { shellLine } from '../shell-words.ts'
import { withEnviron } from '../user-files.ts'
import { again, fail, ok, reason, warn, worst } from './check.ts'
import type { Check, Finding } from './check.ts'

const settingsRead: Check = {
  id: 'settings',
  about: 'Options, TSGI_ variables and the configuration file can be read: no unknown key, no value that is refused',
  look({ settingsProblem, file, args }) {
    if (settingsProblem !== undefined) return fail(reason(settingsProblem), again(['start-server', '--print-config'], args))
    return ok(file === undefined ? 'no configuration file' : file.name)
  },
}

const options: Check = {
  id: 'options',
  about: 'No option is without effect because another one is missing, and none contradicts another',
  look({ settings, proxy, proxyProblem }) {
    try {
      checkOptions(settings, proxy !== undefined || proxyProblem !== undefined)
      return ok('each has what it needs')
    } catch (error) {
      return fail(reason(error), 'tsgi-express start-server --help')
    }
  },
}

const timeouts: Check = {
  id: 'timeouts',
  about: 'The limits of time fit together: request, queue, graceful, heartbeat, keep-alive',
  look({ settings }) {
    const { requestTimeout, queueTimeout, heartbeatTimeout, keepAliveTimeout, trustProxy, startupTimeout } = settings
    const found: Finding[] = doubts(settings).map(({ seen, fix }) => warn(seen, fix))
    if (requestTimeout === 0) found.push(warn('a request that never ends is never ended', '--request-timeout 60s'))
    if (heartbeatTimeout === 0)
      found.push(warn('a worker whose event loop is stuck is never replaced', '--heartbeat-timeout 30s'))
    if (requestTimeout > 0 && queueTimeout > requestTimeout) {
      found.push(
        warn(
          `a request may wait longer (${queueTimeout / 1000} s) than it may take (${requestTimeout / 1000} s)`,
          '--queue-timeout 10s',
        ),
      )
    }
    if (heartbeatTimeout > 0 && requestTimeout > 0 && heartbeatTimeout < 1000) {
      found.push(warn('--heartbeat-timeout below 1 s ends workers that only collect garbage', '--heartbeat-timeout 30s'))
    }
    if (startupTimeout < 2000) found.push(warn('--startup-timeout below 2 s gives up on a busy machine', '--startup-timeout 15s'))
    if (trustProxy.length > 0 && keepAliveTimeout <= 60_000) {
      found.push(
        warn(
          'a load balancer keeps connections for 60 s, and finds them closed: some requests get 502 from it',
          '--keep-alive-timeout 75s',
        ),
      )
    }
    return worst(found, 'they fit together')
  },
}

const envFiles: Check = {
  id: 'env-files',
  about: 'Env files can be read, and those with secrets by nobody else',
  look({ settings }) {
    const { envFile, setenv } = withEnviron(settings)
    try {
      workerVariables({ envFile, setenv }, {})
    } catch (error) {
      return fail(reason(error), shellLine(['ls', '-l', ...envFile]))
    }
    const open = envFile.filter((file) => {
      const names = Object.keys(workerVariables({ envFile: [file], setenv: [] }, {}))
      return names.some(isSecretName) && ((statSync(file, { throwIfNoEntry: false })?.mode ?? 0) & 0o004) !== 0
    })
    if (open.length > 0)
      return warn(`everyone can read the secrets in ${open.join(', ')}`, shellLine(['chmod', 'o-rwx', ...open]))
    return ok(envFile.length === 0 ? 'none' : envFile.join(', '))
  },
}

/** What concerns settings alone. */
export const SETTINGS_CHECKS: readonly Check[] = [settingsRead, options, timeouts, envFiles]
