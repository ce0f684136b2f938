/**
 * `npm run fuzz`: puts inputs into everything that reads what clients and proxies send, looks which of them reach code that none has
 * reached before, and makes others of those.
 *
 *     npm run fuzz -- --inputs 100000 --seed 1 --target uwsgi,http --jobs 1
 *     npm run fuzz -- --target uwsgi --replay .cache/fuzz/uwsgi-1f2e3d4c.vector
 *
 * A failing input is made small and saved under .cache/fuzz, in the format of test/vectors.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { parseVector } from '../protocol/vector.ts'
import type { Failure, Result } from './engine.ts'
import { problemOf } from './judge.ts'
import { runTarget } from './run.ts'
import { TARGETS } from './targets/index.ts'
import { vectorText } from './vector-text.ts'

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    target: { type: 'string', default: '' },
    jobs: { type: 'string', default: String(Math.min(2, availableParallelism())) },
    replay: { type: 'string', default: '' },
  },
})
const seed = Number(values.seed)
const names = values.target === '' ? [] : values.target.split(',')
const unknown = names.filter((name) => !TARGETS.some((target) => target.name === name))
if (unknown.length > 0) {
  console.error(`no target ${unknown.join(', ')}; there are ${TARGETS.map(({ name }) => name).join(', ')}`)
  process.exit(2)
}
const chosen = TARGETS.filter(({ name }) => names.length === 0 || names.includes(name))

if (values.replay === '') process.exitCode = await fuzzAll()
else process.exitCode = await replay(values.replay)

async function replay(file: string): Promise<number> {
  const { bytes } = parseVector(file, readFileSync(file, 'utf8'))
  let failures = 0
  for (const target of chosen) {
    await target.start?.()
    const problem = await problemOf(target, bytes)
    await target.stop?.()
    console.log(`${target.name}: ${problem ?? 'ok'}`)
    if (problem !== undefined) failures++
  }
  return failures > 0 ? 1 : 0
}

async function fuzzAll(): Promise<number> {
  const startMs = performance.now()
  const seconds = (): number => (performance.now() - startMs) / 1000
  const shares = chosen.reduce((sum, { share }) => sum + share, 0)
  const plan = chosen.map(({ name, share }) => ({ name, inputs: Math.ceil((Number(values.inputs) * share) / shares) }))
  console.log(`seed ${seed}, ${values.inputs} inputs for ${plan.map(({ name }) => name).join(', ')}`)
  const done = new Map<string, number>()
  const showProgress = (): void => {
    if (!process.stdout.isTTY) return
    const sum = [...done.values()].reduce((total, inputs) => total + inputs, 0)
    process.stdout.write(`\r${sum} inputs, ${Math.round(sum / seconds())}/s, ${Math.round(seconds())} s `)
  }
  const results: { name: string; result: Result; tookS: number }[] = []
  const waiting = [...plan]
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { name, inputs } = next
      const beganS = seconds()
      const result = await runTarget(name, inputs, seed, (sum) => {
        done.set(name, sum)
        showProgress()
      })
      results.push({ name, result, tookS: seconds() - beganS })
      if (process.stdout.isTTY) process.stdout.write('\r\x1b[K')
      console.log(lineOf(name, result, seconds() - beganS))
      if (result.failure !== undefined) save(name, result.failure)
    }
  }
  await Promise.all(Array.from({ length: Number(values.jobs) }, work))
  const total = results.reduce((sum, { result }) => sum + result.inputs, 0)
  const executed = results.reduce((sum, { result }) => sum + result.executed, 0)
  const all = results.reduce((sum, { result }) => sum + result.all, 0)
  const failures = results.filter(({ result }) => result.failure !== undefined).length
  console.log(
    `${total} inputs in ${Math.round(seconds())} s, ${percent(executed, all)} of the code reached, ${failures} failures; Node ${process.version}, seed ${seed}`,
  )
  return failures > 0 ? 1 : 0
}

function lineOf(name: string, { inputs, corpus, executed, all, grownBytes, failure }: Result, tookS: number): string {
  const figures = `${String(inputs).padStart(8)} inputs ${tookS.toFixed(1).padStart(6)} s ${percent(executed, all).padStart(6)} of the code`
  const held = `${(grownBytes / 1024 / 1024).toFixed(1).padStart(6)} MiB more held`
  return `${name.padEnd(12)}${figures}, ${String(corpus).padStart(4)} kept, ${held}: ${failure === undefined ? 'ok' : 'FAILED'}`
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '-' : `${((100 * part) / whole).toFixed(1)} %`
}

function save(name: string, { problem, input }: Failure): void {
  console.error(`${name}: ${problem}`)
  if (input === undefined) return
  const folder = fileURLToPath(new URL('../../.cache/fuzz/', import.meta.url))
  mkdirSync(folder, { recursive: true })
  const file = `${folder}${name}-${createHash('sha1').update(input).digest('hex').slice(0, 8)}.vector`
  writeFileSync(file, vectorText(`fuzzing, seed ${seed}: ${problem.split('\n')[0] ?? ''}`, input))
  console.error(`the input, ${input.length} bytes, is ${file}`)
}
