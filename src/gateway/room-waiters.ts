/** Those who wait until a connection takes more. */
export class RoomWaiters {
  readonly #waiting: { resolve: () => void; reject: (error: Error) => void }[] = []

  wait(): Promise<void> {
    const promise = new Promise<void>((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
    })
    promise.catch(ignore)
    return promise
  }

  /** There is room. */
  resolve(): void {
    for (const { resolve } of this.#waiting) resolve()
  }

  /** There never will be. */
  reject(error: Error): void {
    for (const { reject } of this.#waiting) reject(error)
  }
}

/** The wait of somebody for whom there is room. */
export const RESOLVED = Promise.resolve()

/** The wait of somebody who comes when there never will be room. */
export function refusedWait(error: Error): Promise<void> {
  const promise = Promise.reject(error)
  promise.catch(ignore)
  return promise
}

/** A rejection that nobody awaits is no failure of the process: the request has ended, and its application knows by the signal. */
function ignore(): void {}
