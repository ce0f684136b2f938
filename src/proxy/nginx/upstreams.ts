import { absolute } from '../absolute-path.ts'
import type { MountedApplication, RemoteWorkers, Site } from '../site.ts'
import { block, directive, from, literal, variable } from './directive.ts'
import type { Directive, Node } from './directive.ts'
import { entry, freshUpstreamOf, NONE, upstreamOf } from './names.ts'
import { triesTwice } from './second-try.ts'

/** Connections to the workers that each nginx worker keeps. A new connection costs a worker more than a request. */
const UPSTREAM_KEEPALIVE = 128

/** An idle one is closed by nginx before a worker that is replaced does it, which waits 2.5 s: a request could be lost otherwise. */
const UPSTREAM_IDLE = '2s'

/** How long an address that the resolver gave is believed: about as long as a stopping server goes on serving, and less. */
const ADDRESS_LIFE = '2s'

/** Room for the addresses of a few hundred hosts, which all workers of nginx share. */
const ZONE_SIZE = '256k'

/** A host that refuses is left alone for so long, as long as there is another one. */
const HOST_REST = '5s'

/** What leads to a host, where a cookie does. */
const AFFINITY = 'tsgi_affinity'

/** The first nginx that looks up names of an upstream by itself without a licence. */
export const FIRST_WITH_RESOLVE = '1.27.3'

/** Where the workers of each application are. */
export function upstreams(site: Site): Node[] {
  const { applications, wire } = site
  const isRemote = applications.some(({ remote }) => remote !== undefined)
  const where = isRemote
    ? 'The workers, on other hosts. One that refuses or does not answer is left alone for a while.'
    : 'The workers: each takes connections from the one socket. They are never marked as down.'
  return [
    { comment: where },
    ...applications.map((application, index) => {
      const name = upstreamOf(index)
      const kept = [directive('keepalive', UPSTREAM_KEEPALIVE), directive('keepalive_timeout', UPSTREAM_IDLE)]
      return block('upstream', [name], [...workers(application, name), ...kept])
    }),
    ...(wire === 'fastcgi' || triesTwice(site)
      ? [
          { comment: 'The same without connections that are kept: for a second try, and for upgrades over another protocol.' },
          ...applications.map((application, index) =>
            block('upstream', [freshUpstreamOf(index)], workers(application, freshUpstreamOf(index))),
          ),
        ]
      : []),
    { comment: '' },
  ]
}

function workers({ socketPath, option, remote }: MountedApplication, name: string): Directive[] {
  if (remote !== undefined) return remoteWorkers(remote, name)
  const server = directive('server', literal(`unix:${absolute(socketPath)}`), 'fail_timeout=0')
  return [from(option === 'mount' ? 'mount' : 'server-root', server)]
}

function remoteWorkers({ servers, resolver, balance }: RemoteWorkers, name: string): Directive[] {
  const resolve = resolver === undefined ? [] : ['resolve']
  return [
    // All workers of nginx count together which host is busy, and which is down.
    directive('zone', name, ZONE_SIZE),
    ...(resolver === undefined ? [] : [directive('resolver', literal(resolver), `valid=${ADDRESS_LIFE}`)]),
    balance === 'least-conn' ? directive('least_conn') : directive('hash', variable(AFFINITY), 'consistent'),
    ...servers.map((server) => directive('server', literal(server), ...resolve, 'max_fails=1', `fail_timeout=${HOST_REST}`)),
  ]
}

/** For the `http` block: what leads a client to its host, where a cookie does; a client without one goes anywhere, by the request's number. */
export function affinityMap({ applications }: Site): Node[] {
  const balance = applications.map(({ remote }) => remote?.balance).find((each) => typeof each === 'object')
  if (typeof balance !== 'object') return []
  const cookie = variable(`cookie_${balance.cookie}`)
  return [block('map', [cookie, variable(AFFINITY)], [entry('default', cookie), entry(NONE, variable('request_id'))])]
}
