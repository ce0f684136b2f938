import { getContainerRuntimeClient } from 'testcontainers'

import { run } from '../launcher/commands.ts'

/** A container that is not healthy by then never will be, milliseconds. */
const HEALTHY_LIMIT_MS = 60_000

/** Runs the client to its end and returns what it wrote. Rejects with what it complained of. */
export async function docker(args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const { code, stdout, stderr } = await run('docker', args, { env })
  if (code !== 0) throw new Error(`docker ${args.join(' ')} ended with ${code}: ${stdout}${stderr}`)
  return stdout.trim()
}

export async function inspected(container: string, format: string): Promise<string> {
  return docker(['inspect', '--format', `{{${format}}}`, container])
}

/** Until its health check says so. Rejects with its log where it does not. */
export async function healthy(container: string): Promise<void> {
  const limit = performance.now() + HEALTHY_LIMIT_MS
  for (;;) {
    const state = await inspected(container, '.State.Status}} {{.State.Health.Status')
    if (state === 'running healthy') return
    // A container that restarts again and again is never told to be unhealthy.
    if (!state.startsWith('running') || state === 'running unhealthy' || performance.now() > limit) {
      const { stdout, stderr } = await run('docker', ['logs', '--tail', '50', container])
      throw new Error(`the container is ${state}: ${stdout}${stderr}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

/** `127.0.0.1:32768`: where this machine reaches a container's port. */
export async function portOf(container: string, port: number): Promise<string> {
  const { host } = (await getContainerRuntimeClient()).info.containerRuntime
  const [published = ''] = (await docker(['port', container, String(port)])).split('\n')
  return `${host}:${published.slice(published.lastIndexOf(':') + 1)}`
}

/** What a process in a container may do, as the kernel tells it. */
export interface Rights {
  readonly name: string
  readonly uids: ReadonlySet<string>
  /** Bits of all capabilities that it has, may get or inherits: 0 for none. */
  readonly capabilities: number
  readonly canGainMore: boolean
}

/** Of every process in the container but the one that asks. */
export async function rightsIn(container: string): Promise<Rights[]> {
  // A process that has just ended has no file any more.
  const text = await docker(['exec', container, 'sh', '-c', 'cat /proc/[0-9]*/status 2>/dev/null || true'])
  const rights = text.split(/^(?=Name:)/m).map((status): Rights => {
    const field = (name: string): string[] => new RegExp(`^${name}:\\s+(.*)$`, 'm').exec(status)?.[1]?.split(/\s+/) ?? []
    const sets = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map((set) => Number.parseInt(field(set)[0] ?? 'f', 16))
    return {
      name: field('Name')[0] ?? '',
      uids: new Set([...field('Uid'), ...field('Gid')]),
      capabilities: Math.max(...sets),
      canGainMore: field('NoNewPrivs')[0] !== '1',
    }
  })
  return rights.filter(({ name }) => name !== 'sh' && name !== 'cat')
}

/** Whether the root file system cannot be written to, whoever tries. */
export async function isReadOnly(container: string): Promise<boolean> {
  return /^\S+ \/ \S+ ro\b/m.test(await docker(['exec', container, 'cat', '/proc/self/mounts']))
}

export interface Stopped {
  readonly exitCode: number
  readonly ms: number
}

/** `docker stop`, within the container's own grace time. */
export async function stopped(container: string): Promise<Stopped> {
  const startMs = performance.now()
  await docker(['stop', container])
  const ms = performance.now() - startMs
  return { ms, exitCode: Number(await inspected(container, '.State.ExitCode')) }
}
