import type { MasterGroup } from '../process/master-group.ts'
import { formatBindAddress } from '../server/address.ts'
import { whyNotHere } from '../server/platform.ts'
import { formatSize } from '../settings/settings-values.ts'
import type { ListenAddress } from '../proxy/site.ts'
import type { BannerFields } from './banner.ts'
import type { Plan } from './plan.ts'
import { reachable } from './probe.ts'

/** What the banner says of a server that runs. `proxyPid`: of the proxy's master process. */
export function bannerFields(plan: Plan, master: MasterGroup, proxyPid: number | undefined): BannerFields {
  const { app, settings, proxy, root, logs } = plan
  const httpsUrl = httpsUrlOf(plan)
  return {
    url: publicUrl(plan),
    ...(httpsUrl === undefined ? {} : { httpsUrl }),
    serverType:
      proxy === undefined
        ? settings.serverType === 'auto'
          ? `embedded (${whyNotHere('proxy') === undefined ? 'neither nginx nor Apache is installed' : 'no proxy on Windows'})`
          : 'embedded'
        : `${proxy.type}/${proxy.version} (pid ${proxyPid ?? 'none'})`,
    ...(proxy === undefined ? {} : { wire: settings.wire, configuration: root.configurationPath }),
    ...(proxy === undefined && logs.access === 'off' ? {} : { accessLog: logName(logs.access) }),
    serverRoot: root.path,
    errorLog: logName(logs.error),
    applications: [app, ...settings.mount.map(([url, mounted]) => `${mounted} at ${url}`)],
    services: settings.serviceScript.map(([name, file]) => `${name} (${file})`),
    workerPids: master.workers.map((worker) => worker.pid),
    limitRequestBody: settings.limitRequestBody === 0 ? 'none' : formatSize(settings.limitRequestBody),
    bootMs: performance.now(),
    pid: process.pid,
  }
}

/** Where clients find the server, without HTTPS. */
export function publicUrl(plan: Plan): string {
  return urlOf('http', plan, plan.addresses[0], plan.settings.port)
}

function httpsUrlOf(plan: Plan): string | undefined {
  const [address] = plan.httpsAddresses
  return address === undefined ? undefined : urlOf('https', plan, address, address.port)
}

/** The name that clients use, else the address that they can reach; a port that the scheme implies is left out. */
function urlOf(scheme: 'http' | 'https', { settings }: Plan, address: ListenAddress | undefined, port: number): string {
  const shown = reachable(address ?? { host: settings.host, port })
  const host = settings.serverName ?? (address?.host === shown.host && !settings.host.includes(':') ? settings.host : shown.host)
  const usual = shown.port === (scheme === 'http' ? 80 : 443)
  const authority = formatBindAddress({ type: 'tcp', host, port: shown.port })
  return `${scheme}://${usual ? authority.replace(/:\d+$/, '') : authority}${encodeURI(settings.mountPoint)}/`
}

function logName(target: Plan['logs']['access']): string {
  if (target === 'terminal') return 'the terminal'
  if (target === 'off') return 'none'
  return 'file' in target ? target.file : 'syslog'
}
