/** How often is looked, milliseconds: each look may start a client. */
const LOOK_EVERY_MS = 100

/** Resolves when `condition` holds: for what containers have no event of. */
export async function eventually(condition: () => boolean | Promise<boolean>, what: string, patienceMs = 30_000): Promise<void> {
  const limit = performance.now() + patienceMs
  while (!(await condition())) {
    if (performance.now() > limit) throw new Error(`waited ${patienceMs} ms for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
  }
}
