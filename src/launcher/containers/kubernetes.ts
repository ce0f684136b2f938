import { CONTROL_SOCKET, healthCommand } from './dockerfile.ts'
import type { ContainerPlan } from './plan.ts'
import {
  PROXY_DELAY_S,
  PROXY_HTTPS_PORT,
  PROXY_PORT,
  SCRATCH,
  serveArguments,
  SOCKET_DIRECTORY,
  USER_ID,
  WORKER_PORT,
} from './plan.ts'
import type { ProxyFile } from './proxy-files.ts'
import { yaml } from './yaml.ts'

/** The cluster's name server. nginx looks this name up when it starts, and asks there from then on. */
export const CLUSTER_RESOLVER = 'kube-dns.kube-system.svc.cluster.local'

type Manifest = Record<string, unknown>

/** The address of every pod of the application: a service without an address of its own. */
export function podsOf(name: string, namespace: string): string {
  return `${name}-app.${namespace}.svc.cluster.local:${WORKER_PORT}`
}

/**
 * Manifests for a cluster: with a shared socket both containers are in each pod, over TCP the proxy has pods of its own. Everything
 * meets the restricted standard for pods; a pod that stops serves on until nobody asks it any more.
 */
export function kubernetesManifests(plan: ContainerPlan, namespace: string, files: readonly ProxyFile[]): string {
  const config = configMap(plan, namespace, files)
  const manifests =
    plan.over === 'socket'
      ? [config, ...sidecar(plan, namespace)]
      : [config, ...workers(plan, namespace), ...proxy(plan, namespace)]
  return manifests.map((manifest) => yaml(manifest, (text) => text)).join('---\n')
}

function metadata(name: string, namespace: string): Manifest {
  return { name, namespace, labels: { 'app.kubernetes.io/name': name } }
}

function configMap({ name }: ContainerPlan, namespace: string, files: readonly ProxyFile[]): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: metadata(`${name}-proxy`, namespace),
    data: Object.fromEntries(files.map((file) => [file.name, file.text])),
  }
}

/** One pod: proxy and application, which meet at the socket. */
function sidecar(plan: ContainerPlan, namespace: string): Manifest[] {
  const { name } = plan
  return [
    service(name, name, namespace, plan),
    deployment(plan, namespace, {
      name,
      containers: [appContainer(plan), proxyContainer(plan)],
      volumes: [{ name: 'socket', emptyDir: { medium: 'Memory' } }, ...proxyVolumes(plan)],
      // The proxy stops behind its delay and its requests, and the application behind both.
      graceS: plan.stopS.application + plan.stopS.proxy,
    }),
    autoscaler(name, namespace, 2),
    budget(name, namespace),
  ]
}

function workers(plan: ContainerPlan, namespace: string): Manifest[] {
  const name = `${plan.name}-app`
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: metadata(name, namespace),
      spec: {
        // Its name stands for the addresses of all pods: nginx chooses among them.
        clusterIP: 'None',
        selector: { 'app.kubernetes.io/name': name },
        ports: [{ name: 'fastcgi', port: WORKER_PORT, targetPort: 'fastcgi' }],
      },
    },
    deployment(plan, namespace, { name, containers: [appContainer(plan)], volumes: [scratch()], graceS: plan.stopS.application }),
    autoscaler(name, namespace, plan.replicas),
    budget(name, namespace),
  ]
}

function proxy(plan: ContainerPlan, namespace: string): Manifest[] {
  const name = `${plan.name}-proxy`
  return [
    service(plan.name, name, namespace, plan),
    deployment(plan, namespace, {
      name,
      containers: [proxyContainer(plan)],
      volumes: proxyVolumes(plan),
      graceS: plan.stopS.proxy,
      replicas: 2,
    }),
    budget(name, namespace),
  ]
}

function service(name: string, selected: string, namespace: string, { tls }: ContainerPlan): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadata(name, namespace),
    spec: {
      selector: { 'app.kubernetes.io/name': selected },
      ports: [
        { name: 'http', port: 80, targetPort: 'http' },
        ...(tls === undefined ? [] : [{ name: 'https', port: 443, targetPort: 'https' }]),
      ],
    },
  }
}

interface Pods {
  readonly name: string
  readonly containers: readonly Manifest[]
  readonly volumes: readonly Manifest[]
  readonly graceS: number
  readonly replicas?: number
}

function deployment({ replicas: asked }: ContainerPlan, namespace: string, pods: Pods): Manifest {
  const { name, containers, volumes, graceS, replicas = Math.max(2, asked) } = pods
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: metadata(name, namespace),
    spec: {
      replicas,
      selector: { matchLabels: { 'app.kubernetes.io/name': name } },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      template: {
        metadata: { labels: { 'app.kubernetes.io/name': name } },
        spec: {
          automountServiceAccountToken: false,
          terminationGracePeriodSeconds: graceS,
          securityContext: {
            runAsNonRoot: true,
            runAsUser: USER_ID,
            runAsGroup: USER_ID,
            fsGroup: USER_ID,
            seccompProfile: { type: 'RuntimeDefault' },
          },
          containers,
          volumes,
        },
      },
    },
  }
}

const RESTRICTED = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
} as const

function appContainer(plan: ContainerPlan): Manifest {
  const { name, over, environment, workers, drainDelayS } = plan
  const shared = over === 'socket'
  // Beside its proxy in one pod, it serves until the proxy has stopped.
  const delayS = shared ? PROXY_DELAY_S + plan.stopS.proxy : drainDelayS
  const args = serveArguments({ ...plan, drainDelayS: delayS })
  return {
    name: 'app',
    image: `${name}-app:latest`,
    imagePullPolicy: 'IfNotPresent',
    args: args.map(literal),
    env: [
      { name: 'TSGI_CONTROL_SOCKET', value: CONTROL_SOCKET },
      ...environment.map(([key, value]) => ({ name: key, value: literal(value) })),
    ],
    ...(shared ? {} : { ports: [{ name: 'fastcgi', containerPort: WORKER_PORT }] }),
    startupProbe: { exec: { command: healthCommand('package') }, periodSeconds: 2, timeoutSeconds: 5, failureThreshold: 30 },
    readinessProbe: shared
      ? { exec: { command: healthCommand('package') }, periodSeconds: 10, timeoutSeconds: 5 }
      : { tcpSocket: { port: 'fastcgi' }, periodSeconds: 2 },
    livenessProbe: { exec: { command: healthCommand('package') }, periodSeconds: 20, timeoutSeconds: 5 },
    resources: {
      requests: { cpu: '250m', memory: `${128 * Math.max(1, workers)}Mi` },
      limits: { memory: `${256 * Math.max(1, workers)}Mi` },
    },
    securityContext: RESTRICTED,
    volumeMounts: [{ name: 'scratch', mountPath: SCRATCH }, ...(shared ? [{ name: 'socket', mountPath: SOCKET_DIRECTORY }] : [])],
  }
}

/** Kubernetes replaces $(NAME) in arguments and variables. */
function literal(text: string): string {
  return text.replaceAll('$(', '$$$$(')
}

function proxyContainer({ name, proxy, over, tls }: ContainerPlan): Manifest {
  const config = proxy === 'nginx' ? '/etc/nginx' : '/usr/local/apache2/conf'
  const main = proxy === 'nginx' ? 'nginx.conf' : 'httpd.conf'
  const site = proxy === 'nginx' ? 'conf.d/default.conf' : 'app.conf'
  return {
    name: 'proxy',
    image: `${name}-proxy:latest`,
    imagePullPolicy: 'IfNotPresent',
    ports: [
      { name: 'http', containerPort: PROXY_PORT },
      ...(tls === undefined ? [] : [{ name: 'https', containerPort: PROXY_HTTPS_PORT }]),
    ],
    readinessProbe: { tcpSocket: { port: 'http' }, periodSeconds: 2 },
    livenessProbe: { tcpSocket: { port: 'http' }, periodSeconds: 20, timeoutSeconds: 5 },
    // Balancers hear of the end a moment later than the pod: it serves on for so long.
    lifecycle: { preStop: { exec: { command: ['sleep', String(PROXY_DELAY_S)] } } },
    resources: { requests: { cpu: '100m', memory: '32Mi' }, limits: { memory: '256Mi' } },
    securityContext: RESTRICTED,
    volumeMounts: [
      { name: 'config', mountPath: `${config}/${main}`, subPath: main },
      { name: 'config', mountPath: `${config}/${site}`, subPath: 'app.conf' },
      { name: 'scratch', mountPath: SCRATCH },
      ...(over === 'socket' ? [{ name: 'socket', mountPath: SOCKET_DIRECTORY }] : []),
      ...(tls === undefined ? [] : [{ name: 'certificate', mountPath: '/run/secrets', readOnly: true }]),
    ],
  }
}

function scratch(): Manifest {
  return { name: 'scratch', emptyDir: {} }
}

function proxyVolumes({ name, tls }: ContainerPlan): Manifest[] {
  const items = [
    { key: 'tls.crt', path: 'certificate' },
    { key: 'tls.key', path: 'key' },
  ]
  return [
    scratch(),
    { name: 'config', configMap: { name: `${name}-proxy` } },
    ...(tls === undefined ? [] : [{ name: 'certificate', secret: { secretName: `${name}-tls`, items } }]),
  ]
}

/** Twice as many pods where they are busy, and back. */
function autoscaler(name: string, namespace: string, least: number): Manifest {
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: metadata(name, namespace),
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
      minReplicas: Math.max(2, least),
      maxReplicas: 4 * Math.max(2, least),
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 70 } } }],
    },
  }
}

/** A node that is emptied takes one pod at a time. */
function budget(name: string, namespace: string): Manifest {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: metadata(name, namespace),
    spec: { maxUnavailable: 1, selector: { matchLabels: { 'app.kubernetes.io/name': name } } },
  }
}
