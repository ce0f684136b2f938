/** `npm run build && node bench/routing.mjs`: what it takes to match one request among 1,000 rules, and to build a URL. */
import { parseArgs } from 'node:util'
import { Map as UrlMap, Rule } from '../dist/toolkit/index.js'
import { median } from './measure.mjs'

const { values: options } = parseArgs({
  options: {
    rules: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '9' },
    check: { type: 'boolean', default: false },
  },
})

/** µs for one match among 1,000 rules. */
const GOAL = 5

const PATTERNS = [
  ['/section<n>/', '/section<n>/'],
  ['/section<n>/<int:id>', '/section<n>/4711'],
  ['/section<n>/<slug>', '/section<n>/a-title-of-some-length'],
  ['/section<n>/<int:id>/comments/<int:comment>', '/section<n>/4711/comments/12'],
  ['/section<n>/<int:year>-<int:month>/<slug>.<any(html, json):format>', '/section<n>/2024-05/a-title.json'],
  ['/section<n>/<uuid:id>/edit', '/section<n>/6ba7b810-9dad-11d1-80b4-00c04fd430c8/edit'],
  ['/section<n>/files/<path:file>', '/section<n>/files/some/folders/deep/file.txt'],
  // Nothing tells these apart but their variables, and each segment may be one: the slow way for a router.
  ['/<name>/extra<n>/<word>', '/someone/extra<n>/word'],
]

const count = Number(options.rules)
const rules = []
const paths = PATTERNS.map(() => [])
for (let index = 0; rules.length < count; index++) {
  for (const [kind, [pattern, path]] of PATTERNS.entries()) {
    if (rules.length === count) break
    rules.push(new Rule(pattern.replace('<n>', String(index)), { endpoint: `endpoint${rules.length}` }))
    paths[kind].push(path.replace('<n>', String(index)))
  }
}
const urls = new UrlMap(rules).bind('localhost')

function measure(run, times) {
  const figures = []
  for (let round = 0; round <= Number(options.rounds); round++) {
    // Time of the processor, not of the clock: what else the machine does is not counted.
    const start = process.cpuUsage()
    for (let index = 0; index < times; index++) run(index)
    const { user, system } = process.cpuUsage(start)
    // The first round is the warm-up.
    if (round > 0) figures.push((user + system) / times)
  }
  return median(figures)
}

const all = paths.flat()
for (const [index, path] of all.entries()) if (!urls.test(path)) throw new Error(`${index}: ${path} does not match`)

console.log(`Node ${process.versions.node}, ${rules.length} rules, µs each (median of ${options.rounds} rounds)`)
for (const [kind, [pattern]] of PATTERNS.entries()) {
  const list = paths[kind]
  console.log(
    `${measure((index) => urls.match(list[index % list.length]), 20_000)
      .toFixed(2)
      .padStart(7)}  ${pattern}`,
  )
}
const mixed = measure((index) => urls.match(all[(index * 7919) % all.length]), 50_000)
console.log(`${mixed.toFixed(2).padStart(7)}  all of them in turn`)
console.log(
  `${measure(() => urls.test('/nothing/like/this'), 20_000)
    .toFixed(2)
    .padStart(7)}  not found, the exception included`,
)
console.log(
  `${measure((index) => urls.build(`endpoint${1 + (index % 100) * 8}`, { id: index }), 20_000)
    .toFixed(2)
    .padStart(7)}  built`,
)
if (options.check && mixed > GOAL) {
  console.error(`a match takes ${mixed.toFixed(2)} µs, ${GOAL} are allowed`)
  process.exitCode = 1
}
