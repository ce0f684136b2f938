import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

import { checkoutDockerfile } from '../../src/launcher/containers/dockerfile.ts'
import { stackFiles } from '../../src/launcher/eject-containers.ts'
import type { ContainerTarget } from '../../src/launcher/eject-containers.ts'
import type { EjectedFile } from '../../src/launcher/eject.ts'
import { readSettings } from '../../src/settings/settings-read.ts'

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url))

/** What docker/ holds: each as `eject` would give it, with images from the checkout. */
const STACKS: Readonly<Record<string, { target: ContainerTarget; replicas?: number; options?: Record<string, unknown> }>> = {
  'nginx-socket': { target: 'compose' },
  'apache-socket': { target: 'compose', options: { serverType: 'apache' } },
  'nginx-replicas': { target: 'compose', replicas: 3 },
  swarm: { target: 'swarm', replicas: 3 },
  'kubernetes-sidecar': { target: 'kubernetes' },
  'kubernetes-replicas': { target: 'kubernetes', replicas: 3 },
}

async function samples(): Promise<EjectedFile[]> {
  const files: EjectedFile[] = [{ name: 'Dockerfile', text: checkoutDockerfile('examples/wsgi.ts') }]
  for (const [stack, { target, replicas, options }] of Object.entries(STACKS)) {
    const read = await readSettings({
      command: 'start-server',
      app: 'examples/wsgi.ts',
      options: { processes: '2', ...options },
      environment: {},
      directory: CHECKOUT,
    })
    const name = `tsgi-${stack}`
    const image = { source: 'checkout', context: '../..', dockerfile: 'docker/Dockerfile', args: { STACK: stack } } as const
    const given = await stackFiles(
      target,
      read,
      { name, directory: CHECKOUT, ...(replicas === undefined ? {} : { replicas }) },
      image,
    )
    // The manifests hold the proxy's files.
    const kept = target === 'kubernetes' ? given.filter((file) => file.name === 'kubernetes.yaml') : given
    files.push(...kept.map((file) => ({ ...file, name: `${stack}/${file.name}` })))
  }
  return files
}

describe('docker/', () => {
  it('holds what eject gives', async () => {
    for (const { name, text, mode } of await samples()) {
      const path = join(CHECKOUT, 'docker', name)
      if (process.env.TSGI_UPDATE_SAMPLES === '1') {
        mkdirSync(dirname(path), { recursive: true })
        writeFileSync(path, text, mode === undefined ? {} : { mode })
      }
      expect(readFileSync(path, 'utf8'), name).toBe(text)
    }
  })
})
