// Lets people in who have logged in: the proxy asks this application about every request, for files and for other applications, too.
//
//   tsgi-express start-server examples/members.ts --auth-url /auth --auth-exempt /login
//
// The password is "tsgi". A real application has users in a database, and a secret of its own.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Application, Environ } from 'tsgi'

/** Of this process alone: with more than one, take a secret from the environment. */
const SECRET = process.env.SESSION_SECRET ?? randomBytes(32)

/** Largest form that is read, bytes. */
const MAX_FORM = 1000

export const application: Application = async (environ, startResponse) => {
  switch (environ.PATH_INFO) {
    case '/auth': {
      // Asked by the proxy: HTTP_X_ORIGINAL_URI is what the client wants.
      const user = userOf(environ)
      startResponse(user === undefined ? '401 Unauthorized' : '200 OK', user === undefined ? [] : [['X-Remote-User', user]])
      return ''
    }
    case '/login': {
      const form = new URLSearchParams((await environ['tsgi.input'].read(MAX_FORM)).toString())
      const user = form.get('user') ?? ''
      if (form.get('password') !== 'tsgi' || !/^\w{1,40}$/.test(user)) {
        startResponse('200 OK', [['Content-Type', 'text/html; charset=utf-8']])
        return LOGIN
      }
      startResponse('303 See Other', [
        ['Location', '/'],
        ['Set-Cookie', `session=${user}.${sign(user)}; HttpOnly; SameSite=Lax; Path=/`],
      ])
      return ''
    }
    default:
      startResponse('200 OK', [['Content-Type', 'text/plain; charset=utf-8']])
      return `Hello ${String(environ.REMOTE_USER ?? 'stranger')}\n`
  }
}

/** Who the session cookie says it is, if it is ours. */
function userOf(environ: Environ): string | undefined {
  const [, user = '', signature = ''] = /(?:^|; )session=(\w+)\.(\w+)/.exec(String(environ.HTTP_COOKIE ?? '')) ?? []
  const expected = Buffer.from(sign(user))
  const given = Buffer.from(signature)
  return user !== '' && given.length === expected.length && timingSafeEqual(given, expected) ? user : undefined
}

function sign(user: string): string {
  return createHmac('sha256', SECRET).update(user).digest('hex')
}

const LOGIN = `<!doctype html><meta charset="utf-8"><title>Log in</title>
<form method="post" action="/login">
  <label>Name <input name="user"></label> <label>Password <input name="password" type="password"></label> <button>Log in</button>
</form>
`
