import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Deployment } from 'kubernetes-models/apps/v1'
import type { IDeployment } from 'kubernetes-models/apps/v1'
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2'
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1'
import { ConfigMap, Service } from 'kubernetes-models/v1'
import type { IContainer, IPodSpec } from 'kubernetes-models/v1'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parseAllDocuments } from 'yaml'

import { makeCertificate } from '../support/certificates.ts'
import { requires } from '../support/requirements.ts'
import { express } from './commands.ts'
import { temporaryDirectory } from './temporary.ts'

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url))

interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string }
}

/** Of every kind its schema, and where its type comes from. */
const KINDS: Readonly<Record<string, { readonly from: string; readonly schema: new (data: never) => { validate: () => void } }>> =
  {
    'v1 ConfigMap': { from: 'kubernetes-models/v1', schema: ConfigMap },
    'v1 Service': { from: 'kubernetes-models/v1', schema: Service },
    'apps/v1 Deployment': { from: 'kubernetes-models/apps/v1', schema: Deployment },
    'autoscaling/v2 HorizontalPodAutoscaler': { from: 'kubernetes-models/autoscaling/v2', schema: HorizontalPodAutoscaler },
    'policy/v1 PodDisruptionBudget': { from: 'kubernetes-models/policy/v1', schema: PodDisruptionBudget },
  }

function kindOf({ apiVersion, kind }: Manifest): (typeof KINDS)[string] {
  const found = KINDS[`${apiVersion} ${kind}`]
  if (found === undefined) throw new Error(`nothing is known of ${apiVersion} ${kind}`)
  return found
}

/** What the schemas let pass, a cluster need not: fields that there are not. The types know them. */
function expectOnlyKnownFields(manifests: readonly Manifest[]): void {
  const cache = join(CHECKOUT, '.cache')
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, 'manifests-'))
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  const lines = manifests.map((manifest, index) => {
    const type = `import('${kindOf(manifest).from}').I${manifest.kind}`
    return `export const m${index}: ${type} = ${JSON.stringify(manifest, undefined, 1)}`
  })
  writeFileSync(join(folder, 'manifests.ts'), lines.join('\n'))
  const compilerOptions = { module: 'nodenext', target: 'es2023', strict: true, noEmit: true, skipLibCheck: true, types: [] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['manifests.ts'] }))
  try {
    execFileSync(join(CHECKOUT, 'node_modules/.bin/tsc'), ['-p', folder], { encoding: 'utf8', stdio: 'pipe' })
  } catch (error) {
    throw new Error(`fields that there are not: ${(error as { stdout?: string }).stdout ?? ''}`, { cause: error }) // of execFileSync
  }
}

function manifestsOf(text: string): Manifest[] {
  return parseAllDocuments(text).map((document) => document.toJS() as Manifest) // checked by its schema
}

function podsOf(manifests: readonly Manifest[]): IPodSpec[] {
  const deployments = manifests.filter(({ kind }) => kind === 'Deployment') as unknown as IDeployment[] // by their kind
  return deployments.map(({ spec }) => {
    if (spec?.template.spec === undefined) throw new Error('a Deployment without pods')
    return spec.template.spec
  })
}

/** Seconds for which a container goes on serving when its pod ends. */
function delayOf(container: IContainer): number {
  const { args = [], lifecycle } = container
  const drain = args.indexOf('--drain-delay')
  const sleep = lifecycle?.preStop?.exec?.command?.[1]
  return drain === -1 ? Number(sleep ?? 0) : Number.parseInt(args[drain + 1] ?? '', 10)
}

async function ejected(...options: readonly string[]): Promise<string> {
  const directory = temporaryDirectory()
  writeFileSync(join(directory, 'app.mjs'), 'export const application = () => []\n')
  makeCertificate(directory, 'cert')
  const tls = ['--https-port', '8443', '--ssl-certificate-file', 'cert.pem', '--ssl-certificate-key-file', 'cert.key']
  const args = ['eject', 'kubernetes', 'app.mjs', ...tls, ...options, '--output', '.']
  expect(await express(args, { cwd: directory })).toMatchObject({ code: 0 })
  return readFileSync(join(directory, 'kubernetes.yaml'), 'utf8')
}

const sample = async (name: string): Promise<string> => readFileSync(join(CHECKOUT, 'docker', name, 'kubernetes.yaml'), 'utf8')

const written = [
  { from: 'docker/kubernetes-sidecar', text: () => sample('kubernetes-sidecar') },
  { from: 'docker/kubernetes-replicas', text: () => sample('kubernetes-replicas') },
  { from: 'eject with TLS at a socket', text: () => ejected('--graceful-timeout', '45s') },
  { from: 'eject with TLS and Apache', text: () => ejected('--server-type', 'apache') },
  { from: 'eject with TLS over TCP', text: () => ejected('--replicas', '4', '--affinity', 'sid', '--namespace', 'web') },
]

requires('dist', 'openssl').describe('manifests', () => {
  describe.each(written)('of $from', ({ text }) => {
    it('are what the schemas of Kubernetes ask for, with no field beyond', async () => {
      const manifests = manifestsOf(await text())
      expect(manifests.length).toBeGreaterThan(3)
      for (const manifest of manifests) {
        const { schema } = kindOf(manifest)
        new schema(manifest as never).validate() // whatever it is, that is the question
      }
      expectOnlyKnownFields(manifests)
    })

    it('meet the restricted standard for pods', async () => {
      const pods = podsOf(manifestsOf(await text()))
      for (const { securityContext, containers, volumes = [], hostNetwork, hostPID, hostIPC } of pods) {
        expect(securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })
        expect([hostNetwork, hostPID, hostIPC]).toEqual([undefined, undefined, undefined])
        for (const container of containers) {
          expect(container.securityContext).toEqual({
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          })
          const names = volumes.map(({ name }) => name)
          for (const { name } of container.volumeMounts ?? []) expect(names).toContain(name)
        }
        // Kinds of volumes that the standard lets through.
        for (const { name: _, ...kind } of volumes) expect(['emptyDir', 'configMap', 'secret']).toContain(Object.keys(kind)[0])
      }
    })

    it('give a pod more time to end than its containers take', async () => {
      const yaml = await text()
      const gracefulS = yaml.includes('45s') ? 45 : 15
      for (const { terminationGracePeriodSeconds = 0, containers } of podsOf(manifestsOf(yaml))) {
        const longest = Math.max(...containers.map((container) => delayOf(container) + gracefulS))
        expect(longest).toBeGreaterThan(gracefulS)
        expect(terminationGracePeriodSeconds).toBeGreaterThan(longest)
      }
    })
  })
})
