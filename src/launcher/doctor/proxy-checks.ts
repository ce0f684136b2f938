import { lookup } from 'node:dns/promises'
import { join } from 'node:path'

import { TsgiError } from '../../interface/errors.ts'
import { checkServer } from '../check-server.ts'
import { isAtLeast } from '../../proxy/version.ts'
import { configurationOf } from '../configuration.ts'
import { logTargets } from '../log-plan.ts'
import { checkPort } from '../port-check.ts'
import { FIRST_FREE_PORT } from '../survey.ts'
import { findExecutable } from '../executable.ts'
import { installedProxy } from '../find-proxy.ts'
import { shellLine } from '../shell-words.ts'
import { again, fail, ok, reason, warn, worst } from './check.ts'
import type { Check, Finding, Patient } from './check.ts'
import { numberOf, textOf } from './machine.ts'
import { runningPid } from './running-checks.ts'

/** From here on nginx can be told where its errors go before it has read its configuration. */
const GOOD_NGINX = '1.19.5'

const proxyFound: Check = {
  id: 'proxy',
  about: 'The proxy is installed, can be started, and has no known quirk in this version',
  look({ proxy, proxyProblem, settings, args }) {
    if (proxyProblem !== undefined) return fail(reason(proxyProblem), proxyFix(proxyProblem, settings, args))
    if (proxy === undefined) {
      return settings.serverType === 'embedded'
        ? ok('none is wanted')
        : warn('none is installed: the workers answer by themselves', installCommand('nginx'))
    }
    const seen = `${proxy.type}/${proxy.version}, ${proxy.executable}`
    return proxy.type === 'apache' || isAtLeast(proxy.version, GOOD_NGINX)
      ? ok(seen)
      : warn(`${seen}: before ${GOOD_NGINX} it complains about a log in /var that is not ours`, 'install a newer nginx')
  },
}

/** Packages by what installs them. */
const INSTALLERS = [
  { program: 'apt-get', command: 'apt-get install', nginx: 'nginx', apache: 'apache2' },
  { program: 'apk', command: 'apk add', nginx: 'nginx', apache: 'apache2 apache2-proxy' },
  { program: 'dnf', command: 'dnf install', nginx: 'nginx', apache: 'httpd' },
  { program: 'brew', command: 'brew install', nginx: 'nginx', apache: 'httpd' },
] as const

function installCommand(type: 'nginx' | 'apache'): string {
  const installer = INSTALLERS.find(({ program }) => findExecutable(program, []) !== undefined) ?? INSTALLERS[0]
  return `${installer.command} ${installer[type]}`
}

/** What mends it depends on what was asked for, and on what is there. */
function proxyFix(problem: unknown, { serverType, user }: Patient['settings'], args: readonly string[]): string {
  const code = problem instanceof TsgiError ? problem.code : undefined
  if (code === 'TSGI_ERR_PROXY_CONFIG') return 'useradd --system --no-create-home --shell /usr/sbin/nologin www-data'
  if (user !== undefined && /no such user/.test(reason(problem)))
    return shellLine(['useradd', '--system', '--no-create-home', user])
  if (code !== 'TSGI_ERR_PROXY_NOT_FOUND') return again(['start-server', '--check-config'], args)
  const wanted = serverType === 'apache' ? 'apache' : 'nginx'
  const other = wanted === 'nginx' ? 'apache' : 'nginx'
  const isThere = installedProxy(other) !== undefined
  return `${installCommand(wanted)}${isThere ? `; or --server-type ${other}` : ''}`
}

const proxyModules: Check = {
  id: 'proxy-modules',
  about: 'The proxy was built with every module that the options need',
  look({ proxy, settings, root, account }) {
    if (proxy === undefined) return ok('there is no proxy')
    const addresses = [{ host: '127.0.0.1', port: settings.port || 8000 }]
    const httpsAddresses = settings.httpsPort === undefined ? [] : [{ host: '127.0.0.1', port: settings.httpsPort || 8443 }]
    try {
      const logs = logTargets(root, settings, proxy)
      configurationOf({ settings, addresses, httpsAddresses, root, logs, account, proxy }, proxy)
      return ok('all are there')
    } catch (error) {
      if (!(error instanceof TsgiError) || error.code !== 'TSGI_ERR_PROXY_CONFIG') return ok('not tried: options are wrong')
      return fail(
        reason(error),
        `apt-get install ${proxy.type === 'nginx' ? 'nginx-full' : 'apache2 libapache2-mod-proxy-uwsgi'}`,
      )
    }
  },
}

const proxyConfiguration: Check = {
  id: 'proxy-configuration',
  about: "The proxy's own test passes for the generated configuration, the rules of yours included",
  async look(patient) {
    const { proxy, app, settings, file, settingsProblem } = patient
    if (proxy === undefined) return ok('there is no proxy')
    if (app === undefined || settingsProblem !== undefined) return ok('not tried: settings or application are missing')
    try {
      await checkServer({ app, settings, file })
      return ok(`${proxy.executable} -t accepts it`)
    } catch (error) {
      // All of it: the proxy names the line.
      const seen = error instanceof Error ? error.message.replaceAll(/\s*\n\s*/g, ' ') : String(error)
      return fail(seen, /ENOSPC|EDQUOT/.test(seen) ? 'df -h' : again(['explain'], patient.args))
    }
  },
}

const port: Check = {
  id: 'port',
  about: 'The ports are free, or this very server has them; who else does',
  async look(patient) {
    const { settings } = patient
    const wanted = [
      ['port', settings.port],
      ['https-port', settings.httpsPort],
    ] as const
    const findings: Finding[] = []
    for (const [option, number] of wanted) {
      if (number === undefined || number === 0) continue
      try {
        await checkPort(settings.host, number, option)
      } catch (error) {
        if (!(error instanceof TsgiError) || error.code !== 'TSGI_ERR_ADDRESS_IN_USE') continue
        const own = await runningPid(patient)
        if (own !== undefined && isHeldBy(own, error.message, patient.machine.proc)) continue
        const service = /\("(nginx|apache2|httpd|[^"]*\/(?:nginx|apache2|httpd))/.exec(error.message)?.[1]?.split('/').at(-1)
        findings.push(
          fail(
            reason(error),
            service === undefined
              ? `ss -ltnp 'sport = :${number}'`
              : `systemctl disable --now ${service}; or --${option} ${number + 1}`,
          ),
        )
      }
    }
    return worst(findings, wanted.flatMap(([, number]) => (number === undefined ? [] : [number])).join(', '))
  },
}

/** The master itself or a child of it, its proxy, holds the port. */
function isHeldBy(own: number, message: string, proc: string): boolean {
  const holder = Number(/\bpid (\d+)/.exec(message)?.[1])
  const parent = Number(/^PPid:\s*(\d+)$/m.exec(textOf(join(proc, String(holder), 'status')) ?? '')?.[1])
  return holder === own || parent === own
}

/** capabilities(7): bit 10 is CAP_NET_BIND_SERVICE. */
const NET_BIND = 1n << 10n

const lowPort: Check = {
  id: 'low-port',
  about: 'A port below 1024 is one that this user may have, and the application behind it is not root',
  look({ settings, machine: { uid, proc } }) {
    const low = [settings.port, settings.httpsPort ?? 0].find((each) => each > 0 && each < FIRST_FREE_PORT)
    if (low === undefined) return ok('none is below 1024')
    if (uid === 0) {
      return settings.user === undefined
        ? fail(`on port ${low} as root, the application needs a user of its own`, '--user www-data')
        : ok(`port ${low}, as root, for ${settings.user}`)
    }
    const first = numberOf(join(proc, 'sys/net/ipv4/ip_unprivileged_port_start')) ?? FIRST_FREE_PORT
    const capabilities = BigInt(`0x${/^CapEff:\s*([\da-f]+)$/m.exec(textOf(join(proc, 'self/status')) ?? '')?.[1] ?? '0'}`)
    if (low >= first || (capabilities & NET_BIND) !== 0n) return ok(`port ${low} is open to this user`)
    return fail(`port ${low} needs root`, `sudo sysctl -w net.ipv4.ip_unprivileged_port_start=${low}; or --port 8000`)
  },
}

const rootUser: Check = {
  id: 'root-user',
  about: 'The application is not root',
  look({ settings: { user }, machine: { uid } }) {
    if (uid !== 0) return ok('this user is not root')
    if (user === 'root' || user === '0') return warn('--user says that it is root', '--user www-data')
    return user === undefined ? warn('the application would be root', '--user www-data') : ok(`--user ${user}`)
  },
}

const host: Check = {
  id: 'host',
  about: '--host is an address of this machine, and --server-name one that can be found',
  async look({ settings: { host: name, serverName } }) {
    try {
      const addresses = await checkPort(name, 0)
      if (serverName === undefined) return ok(addresses.map((each) => each.host).join(', '))
    } catch (error) {
      return fail(reason(error), '--host 127.0.0.1')
    }
    try {
      const { address } = await lookup(serverName)
      return ok(`${serverName} is ${address}`)
    } catch {
      return warn(`--server-name ${serverName} cannot be found from here`, `getent hosts ${serverName}`)
    }
  },
}

const backlog: Check = {
  id: 'backlog',
  about: 'The system lets as many connections wait as the options say',
  look({ settings, machine: { proc } }: Patient) {
    const wanted = settings.serverBacklog ?? 511
    const most = numberOf(join(proc, 'sys/net/core/somaxconn'))
    if (most === undefined || most >= wanted) return ok(`${wanted}, of ${most ?? 'an unknown number'} at most`)
    return warn(`net.core.somaxconn cuts the backlog of ${wanted} to ${most}`, `sudo sysctl -w net.core.somaxconn=${wanted}`)
  },
}

/** What concerns the proxy and where it listens. */
export const PROXY_CHECKS: readonly Check[] = [
  proxyFound,
  proxyModules,
  proxyConfiguration,
  port,
  lowPort,
  rootUser,
  host,
  backlog,
]
