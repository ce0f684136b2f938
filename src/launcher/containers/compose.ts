import { healthCommand } from './dockerfile.ts'
import type { ImageSource } from './dockerfile.ts'
import type { ContainerPlan } from './plan.ts'
import { yaml } from './yaml.ts'
import { PROXY_HTTPS_PORT, PROXY_PORT, SCRATCH, serveArguments, SOCKET_DIRECTORY, USER_ID, WORKER_PORT } from './plan.ts'

/** Docker's own name server, which knows the addresses of a service's containers. */
export const DOCKER_RESOLVER = '127.0.0.11'

/** Addresses of a service: in a swarm its own name stands for one virtual address. */
export const WORKERS_HOST = { compose: `app:${WORKER_PORT}`, swarm: `tasks.app:${WORKER_PORT}` } as const

/** Who serves for Docker Compose, and who in a swarm. */
export type ComposeKind = keyof typeof WORKERS_HOST

/** The image's context: the directory of this file's neighbours, or the checkout. */
export interface ComposeBuild {
  readonly source: ImageSource
  readonly context: string
  readonly dockerfile: string
  readonly args?: Readonly<Record<string, string>>
}

type Service = Record<string, unknown>

/**
 * A Compose file: `compose` for one machine, `swarm` for `docker stack deploy`, which replaces containers one after the other, the
 * next before the last, and goes back by itself where the next one does not get healthy.
 */
export function composeFile(plan: ContainerPlan, kind: ComposeKind, build: ComposeBuild): string {
  const { over, tls } = plan
  const shared = over === 'socket'
  const document = {
    name: kind === 'compose' ? plan.name : undefined,
    // Compose wants none; clients before 25 take a stack without one for the first version.
    version: kind === 'swarm' ? '3.8' : undefined,
    services: { app: appService(plan, kind, build), proxy: proxyService(plan, kind, build) },
    volumes: shared ? { socket: {} } : undefined,
    secrets: tls === undefined ? undefined : { certificate: { file: tls.certificate }, key: { file: tls.key } },
  }
  // Compose replaces $NAME by a variable of whoever calls it.
  return `${comment(plan, kind)}${yaml(document, (text) => text.replaceAll('$', '$$$$'))}`
}

function comment({ over, name, replicas }: ContainerPlan, kind: ComposeKind): string {
  if (kind === 'swarm') {
    return `# docker build -t ${name}-app --target application . && docker build -t ${name}-proxy --target nginx .
# docker stack deploy --compose-file swarm.yaml ${name}
# A new version: build with another tag, write it below, deploy again.
`
  }
  const update =
    over === 'socket'
      ? '# A new version, with no request lost: ./rollout (it starts the next container beside the last, which takes the socket over).'
      : `# More or fewer: docker compose up --detach --no-recreate --scale app=${replicas + 1}
# A new version, with no request lost: ./rollout (it starts the next containers beside the last).`
  return `# docker compose up --build --detach
${update}
`
}

/** What holds for both: nothing runs as root, may become it, or writes to its image. */
function confined(): Service {
  return {
    read_only: true,
    tmpfs: [`${SCRATCH}:mode=1777`],
    cap_drop: ['ALL'],
    security_opt: ['no-new-privileges:true'],
    user: `${USER_ID}:${USER_ID}`,
  }
}

/** As `confined`, in the words of a swarm, which has no security_opt, and of `tmpfs` takes no notice. */
function confinedInSwarm(): Service {
  const scratch = { type: 'tmpfs', target: SCRATCH }
  return { read_only: true, volumes: [scratch], cap_drop: ['ALL'], user: `${USER_ID}:${USER_ID}` }
}

function appService(plan: ContainerPlan, kind: ComposeKind, build: ComposeBuild): Service {
  const { over, environment, stopS, replicas, workers } = plan
  const limits = { cpus: String(Math.max(1, workers)), memory: `${256 * Math.max(1, workers)}M` }
  return {
    image: `${plan.name}-app`,
    ...(kind === 'compose' ? { build: buildOf(build, 'application') } : {}),
    command: serveArguments(plan),
    environment: environment.length === 0 ? undefined : Object.fromEntries(environment),
    ...(kind === 'compose' ? { ...confined(), restart: 'unless-stopped' } : confinedInSwarm()),
    init: true,
    ...sharedSocket(plan),
    healthcheck: healthcheck(healthCommand(build.source)),
    stop_grace_period: `${stopS.application}s`,
    deploy: {
      replicas: over === 'tcp' ? replicas : undefined,
      resources: { limits },
      ...(kind === 'swarm' ? ROLLING : {}),
    },
  }
}

/** One after the other, the next before the last; back where it is not healthy. */
const ROLLING = {
  update_config: { order: 'start-first', parallelism: 1, delay: '5s', monitor: '15s', failure_action: 'rollback' },
  rollback_config: { order: 'start-first', parallelism: 1, monitor: '15s' },
  restart_policy: { condition: 'any', delay: '1s' },
} as const

function proxyService(plan: ContainerPlan, kind: ComposeKind, build: ComposeBuild): Service {
  const { name, proxy, port, httpsPort, stopS, tls } = plan
  const check = `exec 3<>/dev/tcp/127.0.0.1/${PROXY_PORT}`
  return {
    image: `${name}-proxy`,
    ...(kind === 'compose' ? { build: buildOf(build, proxy) } : {}),
    ...(kind === 'compose' ? confined() : confinedInSwarm()),
    ...(kind === 'compose' ? { restart: 'unless-stopped', depends_on: { app: { condition: 'service_healthy' } } } : {}),
    ports: [`${port}:${PROXY_PORT}`, ...(tls === undefined ? [] : [`${httpsPort}:${PROXY_HTTPS_PORT}`])],
    ...sharedSocket(plan),
    secrets: tls === undefined ? undefined : ['certificate', 'key'],
    healthcheck: healthcheck(['bash', '-c', check]),
    stop_grace_period: `${stopS.proxy}s`,
    deploy: {
      resources: { limits: { cpus: '1', memory: '256M' } },
      ...(kind === 'swarm' ? ROLLING : {}),
    },
  }
}

/** Never in a swarm, which has volumes of its own here. */
function sharedSocket({ over }: ContainerPlan): Service {
  return over === 'socket' ? { volumes: [`socket:${SOCKET_DIRECTORY}`] } : {}
}

function buildOf({ context, dockerfile, args }: ComposeBuild, target: string): Service {
  return { context, dockerfile, target, args }
}

function healthcheck(command: readonly string[]): Service {
  return { test: ['CMD', ...command], interval: '5s', timeout: '5s', start_period: '30s', retries: 3 }
}

/** Replaces the application's containers without a gap, which `docker compose up` alone does not: it stops the last before it starts the next. */
export function rolloutScript({ replicas, drainDelayS }: ContainerPlan): string {
  return `#!/bin/sh
# Replaces the containers of the application, the next ones before the last. The proxy finds the next ones by itself.
set -eu
cd "$(dirname "$0")"
docker compose build app
last=$(docker compose ps --quiet app)
docker compose up --detach --no-deps --no-recreate --wait --scale app=$((${replicas} + $(echo "$last" | wc -w))) app
# Until the proxy has heard of them.
sleep ${drainDelayS}
docker stop $last
docker rm $last
`
}
