import { expect, it } from 'vitest'
import { inProcessEnviron } from '../../src/gateway/in-process.ts'

const errors = { write: () => {}, flush: () => {} }

it.each(['tsgi.upgrade', 'tsgi.input', 'tsgi.signal', 'tsgi.anything'])('%s is the server’s, no variable of a proxy', (name) => {
  const params = ['REQUEST_METHOD', 'GET', 'REQUEST_URI', '/', name, 'x']
  expect(() =>
    inProcessEnviron({ params, mountPoint: '', body: undefined, errors, multiprocess: false, runOnce: false, signal: undefined }),
  ).toThrow(expect.objectContaining({ code: 'TSGI_ERR_REQUEST_INVALID' }))
})
