import { Suspense } from 'react'
import { setTimeout as delay } from 'node:timers/promises'

export const dynamic = 'force-dynamic'

/** Waits for a request to /streamed/release where the query says so, else for a moment. */
async function Slow({ isHeld }) {
  if (isHeld) await new Promise((resolve) => (globalThis.release = resolve))
  else await delay(50)
  return <p>It came later.</p>
}

export default async function Page({ searchParams }) {
  const { held } = await searchParams
  return (
    <main>
      <p>It came first.</p>
      <Suspense fallback={<p>waiting</p>}>
        <Slow isHeld={held !== undefined} />
      </Suspense>
    </main>
  )
}
