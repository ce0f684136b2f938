import type { Application, Lifespan, Middleware } from '../interface/application.ts'

/** `outer` with the lifespan of what stands inside it, of several in their order: rule 4.7 of TSGI 1.0. */
export function keepLifespan(outer: Application, ...inner: readonly Application[]): Application {
  const lifespans = [...new Set(inner.flatMap(({ lifespan }) => lifespan ?? []))]
  const lifespan = lifespans.length > 1 ? joined(lifespans) : lifespans[0]
  if (lifespan !== undefined) outer.lifespan = lifespan
  return outer
}

/** The middleware, whose applications have the lifespan of those that they are made of. */
export function keepingLifespan(middleware: Middleware): Middleware {
  return (application) => keepLifespan(middleware(application), application)
}

/** One startup behind the other, the stops all at once, and the shutdowns the other way round. Where a startup fails, those before it are shut down. */
function joined(lifespans: readonly Lifespan[]): Lifespan {
  let started: Lifespan[] = []
  const shutdown = async (): Promise<void> => {
    const failed: unknown[] = []
    for (const each of started.toReversed()) {
      try {
        await each.shutdown?.()
      } catch (error) {
        failed.push(error)
      }
    }
    started = []
    // The others have had their turn by now.
    if (failed.length > 0) throw failed[0]
  }
  return {
    async startup() {
      for (const each of lifespans) {
        try {
          await each.startup?.()
        } catch (error) {
          await shutdown().catch(() => {})
          throw error
        }
        started.push(each)
      }
    },
    async stopping() {
      // Each is told at once, whatever the others do.
      await Promise.all(started.map(async (each) => each.stopping?.()))
    },
    shutdown,
  }
}
