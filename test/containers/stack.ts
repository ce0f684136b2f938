import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DockerComposeEnvironment, Wait } from 'testcontainers'

import { run } from '../launcher/commands.ts'
import { docker, healthy, inspected } from './docker.ts'
import type { Load } from './load.ts'

/** What a container says of itself: a service's name, its id. */
export interface Container {
  readonly id: string
  readonly service: string
  /** As the application sees its host. */
  readonly host: string
}

/** A Compose stack that runs, as it was written but for its port, which is any free one. */
export interface Stack {
  /** Of the proxy, `http://172.17.0.1:32768`. */
  readonly url: string
  readonly httpsUrl: string | undefined
  /** `docker compose ARGS`. Rejects where it fails. */
  readonly compose: (...args: readonly string[]) => Promise<string>
  /** Those that run now. */
  readonly containers: (service?: 'app' | 'proxy') => Promise<Container[]>
  /** Throws where the load has failures, with what the proxy says of them. */
  readonly expectNoFailures: (load: Load) => Promise<void>
  /** The script of the stack. */
  readonly rollout: () => Promise<void>
  /** Removes everything. */
  readonly down: () => Promise<void>
}

const PORTS = `services:
  proxy:
    ports: !override
`

/** Builds and starts the stack in `directory`. `httpsPort`: it has one. */
export async function startStack(directory: string, name: string, httpsPort?: number): Promise<Stack> {
  const own = mkdtempSync(join(tmpdir(), 'tsgi-override-'))
  const override = join(own, 'compose.test.yaml')
  writeFileSync(override, `${PORTS}      - "8080"\n${httpsPort === undefined ? '' : '      - "8443"\n'}`)
  const project = `tsgi-test-${name}`
  const environment = await new DockerComposeEnvironment(directory, ['compose.yaml', override])
    .withProjectName(project)
    .withBuild()
    // It would remove the containers, and what they have to say with them, before it complained: waited for is below.
    .withDefaultWaitStrategy(Wait.forAll([]))
    .up()
  const down = async (): Promise<void> => {
    await environment.down({ timeout: 1000, removeVolumes: true })
    rmSync(own, { recursive: true, force: true })
  }
  try {
    for (const { id } of await containersOf(project)) await healthy(id)
  } catch (error) {
    await down()
    throw error
  }
  const env = { COMPOSE_PROJECT_NAME: project, COMPOSE_FILE: `compose.yaml:${override}` }
  const compose = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await run('docker', ['compose', ...args], { cwd: directory, env })
    if (code !== 0) throw new Error(`docker compose ${args.join(' ')} ended with ${code}: ${stderr}`)
    return stdout.trim()
  }
  const proxy = environment.getContainer('proxy-1')
  const at = (scheme: string, port: number): string => `${scheme}://${proxy.getHost()}:${proxy.getMappedPort(port)}`
  return {
    url: at('http', 8080),
    httpsUrl: httpsPort === undefined ? undefined : at('https', 8443),
    compose,
    containers: async (service) => containersOf(project, service),
    expectNoFailures: async ({ failures }) => {
      if (failures.length === 0) return
      const log = await compose('logs', '--no-log-prefix', '--timestamps', 'proxy')
      const errors = log.split('\n').filter((line) => /\b(error|warn|crit|alert)\]|" 50\d /.test(line))
      throw new Error(`${failures.length} failed, first ${failures[0]}\n${errors.slice(-40).join('\n')}`)
    },
    rollout: async () => {
      const { code, stdout, stderr } = await run('sh', ['./rollout'], { cwd: directory, env })
      if (code !== 0) throw new Error(`rollout ended with ${code}: ${stdout}${stderr}`)
    },
    down,
  }
}

async function containersOf(project: string, service?: string): Promise<Container[]> {
  const labels = [
    `com.docker.compose.project=${project}`,
    ...(service === undefined ? [] : [`com.docker.compose.service=${service}`]),
  ]
  const ids = await docker(['ps', '--quiet', ...labels.flatMap((label) => ['--filter', `label=${label}`])])
  const found = ids === '' ? [] : ids.split('\n')
  return Promise.all(
    found.map(async (id) => {
      const [host = '', of = ''] = (
        await inspected(id, '.Config.Hostname}} {{index .Config.Labels "com.docker.compose.service"')
      ).split(' ')
      return { id, host, service: of }
    }),
  )
}
