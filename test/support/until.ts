/** How long to wait for what must happen, milliseconds. */
const PATIENCE_MS = 10_000

const LOOK_EVERY_MS = 5

/** Resolves when `condition` holds: for what has no event of its own. */
export async function until(condition: () => boolean | Promise<boolean>, what: string, patienceMs = PATIENCE_MS): Promise<void> {
  const deadline = performance.now() + patienceMs
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited ${patienceMs} ms for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
  }
}

/** Resolves with `value()` once it has not changed for `quietMs`: for what must come to a stop. */
export async function settled(value: () => number, what: string, quietMs = 300): Promise<number> {
  const deadline = performance.now() + PATIENCE_MS
  let last = value()
  let since = performance.now()
  while (performance.now() - since < quietMs) {
    if (performance.now() > deadline) throw new Error(`${what} did not come to rest: ${last}`)
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
    const now = value()
    if (now === last) continue
    last = now
    since = performance.now()
  }
  return last
}

/** Does something again and again, one after the other, until `condition` holds. */
export async function repeatUntil(act: () => Promise<unknown>, condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited ${PATIENCE_MS} ms for ${what}`)
    await act()
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
  }
}
