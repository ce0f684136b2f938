import { expect, it } from 'vitest'
import { Response, NotFound, redirect, abort } from '../../src/toolkit/index.ts'
it('x', async () => {
  const r = new Response('hi', { status: 404 })
  const seen: unknown[] = []
  const app: import('../../src/index.ts').Application = r
  const out = await app({ REQUEST_METHOD: 'GET' } as never, (s, h) => {
    seen.push(s, h)
    return async () => {}
  })
  console.log(seen, out, r instanceof Response, r, typeof r)
  console.log(
    await new NotFound().getResponse({ HTTP_ACCEPT: 'application/json' } as never).text(),
    redirect('/ä b?x=%20"<').headers.toString(),
  )
  try {
    abort(503)
  } catch (e) {
    console.log(e)
  }
})
