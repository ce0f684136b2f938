import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
// V8's own function, which has no declaration.
const collectGarbage = runInNewContext('gc') as () => undefined

/** Bytes that this thread holds, garbage left out. */
export async function heldBytes(): Promise<number> {
  // The memory of buffers is given back beside the collection: the next one waits for that.
  for (let round = 0; round < 3; round++) {
    collectGarbage()
    await new Promise((resolve) => setImmediate(resolve))
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
