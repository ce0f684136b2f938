import type { Profiler } from 'node:inspector'
import { fileURLToPath } from 'node:url'

const WIDTH = 1200
const ROW = 18
const TOP = 40
/** Narrower boxes cannot be seen, pixels. */
const NARROWEST = 0.3
/** About what a letter takes, pixels. */
const LETTER = 6.5

interface Frame {
  readonly name: string
  readonly place: string
  readonly kind: 'application' | 'library' | 'node' | 'engine'
  /** Time on the stack, microseconds. */
  total: number
  readonly children: Map<string, Frame>
}

const COLOURS: Record<Frame['kind'], string> = { application: '#e8743b', library: '#e9b44c', node: '#7fa65a', engine: '#8c9bb0' }

/**
 * A flame graph of a CPU profile, as SVG that needs nothing else: a box for each function, as wide as the time that it or what
 * it called ran, callers below. Colours tell application, node_modules, Node and engine apart. Waiting is not in it.
 */
export function flameGraph(profile: Profiler.Profile, title: string): string {
  const root = mergedFrames(profile)
  const busy = [...root.children.values()].reduce((sum, frame) => sum + frame.total, 0)
  const rows = depthOf(root)
  const height = TOP + rows * ROW + 10
  const scale = busy === 0 ? 0 : WIDTH / busy
  const boxes: string[] = []
  drawChildren(root, 0, 0)

  function drawChildren(parent: Frame, left: number, depth: number): void {
    let x = left
    for (const frame of [...parent.children.values()].sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const width = frame.total * scale
      if (width >= NARROWEST) {
        boxes.push(box(frame, { x, y: height - 10 - (depth + 1) * ROW, width }, busy))
        drawChildren(frame, x, depth + 1)
      }
      x += width
    }
  }

  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="monospace" font-size="11">
<rect width="100%" height="100%" fill="#fbfaf8"/>
<text x="10" y="18" font-size="14">${escape(title)}</text>
<text x="10" y="33" fill="#555">${(busy / 1000).toFixed(1)} ms of work: ${legend()}</text>
${boxes.join('\n')}
</svg>
`
}

function legend(): string {
  const names = { application: 'application', library: 'node_modules', node: 'Node', engine: 'engine' }
  return Object.entries(names)
    .map(([kind, name]) => `<tspan fill="${COLOURS[kind as Frame['kind']]}">■</tspan> ${name}`) // its own keys
    .join(' ')
}

function box(frame: Frame, { x, y, width }: { x: number; y: number; width: number }, busy: number): string {
  const share = `${(frame.total / 1000).toFixed(1)} ms, ${((100 * frame.total) / busy).toFixed(1)} %`
  const letters = Math.floor((width - 4) / LETTER)
  const text = letters < 3 ? '' : `<text x="${(x + 3).toFixed(1)}" y="${y + 13}">${escape(frame.name.slice(0, letters))}</text>`
  return `<g><title>${escape(`${frame.name} ${frame.place}\n${share}`)}</title><rect x="${x.toFixed(2)}" y="${y}" width="${Math.max(0, width - 0.5).toFixed(2)}" height="${ROW - 1}" rx="1" fill="${COLOURS[frame.kind]}"/>${text}</g>`
}

/** The profile as a tree of functions, each with the time of its samples and of those above it. */
function mergedFrames(profile: Profiler.Profile): Frame {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]))
  const parents = new Map(profile.nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node.id])))
  const root: Frame = { name: '', place: '', kind: 'engine', total: 0, children: new Map() }
  for (const [index, id] of (profile.samples ?? []).entries()) {
    // Never less than nothing: V8's times may go back by a little.
    const time = Math.max(0, profile.timeDeltas?.[index + 1] ?? profile.timeDeltas?.[index] ?? 0)
    const stack: Profiler.ProfileNode[] = []
    for (let at = nodes.get(id); at !== undefined; at = nodes.get(parents.get(at.id) ?? -1)) stack.unshift(at)
    const [, ...frames] = stack
    if (frames[0] === undefined || IDLE.has(frames[0].callFrame.functionName)) continue
    let parent = root
    for (const { callFrame } of frames) {
      parent = childOf(parent, callFrame)
      parent.total += time
    }
  }
  return root
}

/** Not work. */
const IDLE = new Set(['(idle)', '(program)', '(root)'])

function childOf(parent: Frame, { functionName, url, lineNumber }: Profiler.ProfileNode['callFrame']): Frame {
  const name = functionName === '' ? '(anonymous)' : functionName
  const place = url === '' ? '' : `${pathOf(url)}:${lineNumber + 1}`
  const key = `${name} ${place}`
  let child = parent.children.get(key)
  if (child === undefined) {
    child = { name, place, kind: kindOf(url), total: 0, children: new Map() }
    parent.children.set(key, child)
  }
  return child
}

function kindOf(url: string): Frame['kind'] {
  if (url === '') return 'engine'
  if (url.startsWith('node:')) return 'node'
  return /[/\\]node_modules[/\\]/.test(url) ? 'library' : 'application'
}

function pathOf(url: string): string {
  return url.startsWith('file:') ? fileURLToPath(url) : url
}

function depthOf(frame: Frame): number {
  return Math.max(0, ...[...frame.children.values()].map((child) => 1 + depthOf(child)))
}

function escape(text: string): string {
  return (
    text
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      // What XML has no way to say.
      .replaceAll(/[^\t\n\x20-\uFFFD]/g, '?')
  )
}
