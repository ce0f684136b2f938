import { TsgiError } from '../interface/errors.ts'
import type { RemoteWorkers } from '../proxy/site.ts'
import type { ReadSettings } from '../settings/settings-read.ts'
import { composeFile, DOCKER_RESOLVER, rolloutScript, WORKERS_HOST } from './containers/compose.ts'
import type { ComposeBuild } from './containers/compose.ts'
import { dockerfile, dockerIgnore } from './containers/dockerfile.ts'
import { CLUSTER_RESOLVER, kubernetesManifests, podsOf } from './containers/kubernetes.ts'
import { containerPlan } from './containers/plan.ts'
import type { ContainerPlan } from './containers/plan.ts'
import { proxyFiles } from './containers/proxy-files.ts'
import type { EjectedFile, EjectOptions } from './eject.ts'

/** What is made for containers. */
export type ContainerTarget = 'compose' | 'swarm' | 'kubernetes'

/** What `eject` is told beside the settings. */
export type ContainerOptions = Pick<EjectOptions, 'name' | 'directory' | 'replicas' | 'affinity' | 'namespace'>

/** How many replicas where hosts are meant and nobody has said. */
const USUAL_REPLICAS = 3

const IMAGE: ComposeBuild = { source: 'package', context: '.', dockerfile: 'Dockerfile' }

/**
 * Images and what runs them. A swarm spreads containers over hosts, which share no socket: there it is always TCP.
 * Rejects with what a start would say, and with `TSGI_ERR_OPTION` for what a container has no place for.
 */
export async function ejectContainers(
  target: ContainerTarget,
  read: ReadSettings<'start-server'>,
  options: ContainerOptions,
): Promise<EjectedFile[]> {
  const plan = planFor(target, read, options)
  return [
    ...(await stackFiles(target, read, options, IMAGE)),
    { name: 'Dockerfile', text: dockerfile(plan) },
    { name: '.dockerignore', text: dockerIgnore() },
  ]
}

/** The same without the images, which `image` says how to build. */
export async function stackFiles(
  target: ContainerTarget,
  read: ReadSettings<'start-server'>,
  options: ContainerOptions,
  image: ComposeBuild,
): Promise<EjectedFile[]> {
  const { affinity, namespace = 'default' } = options
  const plan = planFor(target, read, options)
  const remote = plan.over === 'socket' ? undefined : remoteWorkers(target, plan.name, namespace, affinity)
  const files = await proxyFiles(read, plan, remote)
  const proxy = files.map((file) => ({ name: `proxy/${file.name}`, text: file.text }))
  switch (target) {
    case 'compose':
      return [
        { name: 'compose.yaml', text: composeFile(plan, 'compose', image) },
        { name: 'rollout', text: rolloutScript(plan), mode: 0o755 },
        ...proxy,
      ]
    case 'swarm':
      return [{ name: 'swarm.yaml', text: composeFile(plan, 'swarm', image) }, ...proxy]
    case 'kubernetes':
      return [{ name: 'kubernetes.yaml', text: kubernetesManifests(plan, namespace, files) }, ...proxy]
  }
}

function planFor(
  target: ContainerTarget,
  read: ReadSettings<'start-server'>,
  { name, replicas, affinity, directory }: ContainerOptions,
): ContainerPlan {
  const several = target === 'swarm' ? (replicas ?? USUAL_REPLICAS) : replicas
  const plan = containerPlan(read, { name: name.toLowerCase().replaceAll('_', '-'), replicas: several, directory })
  if (affinity !== undefined && plan.over === 'socket') {
    throw new TsgiError('TSGI_ERR_OPTION', '--affinity chooses among replicas: add --replicas 3')
  }
  return plan
}

function remoteWorkers(target: ContainerTarget, name: string, namespace: string, cookie: string | undefined): RemoteWorkers {
  const balance = cookie === undefined ? 'least-conn' : { cookie }
  if (target === 'kubernetes') return { servers: [podsOf(name, namespace)], resolver: CLUSTER_RESOLVER, balance }
  return { servers: [WORKERS_HOST[target]], resolver: DOCKER_RESOLVER, balance }
}
