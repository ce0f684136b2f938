import { expect } from 'vitest'
import { otherNodes, requires } from '../support/requirements.ts'
import { Served, write } from './served.ts'

// In TypeScript that the loader reads. The place of others is Node's to say.

const { test } = requires('dist')

for (const node of [process.execPath, ...otherNodes]) {
  for (const type of ['module', 'commonjs']) {
    test(`a syntax error in TypeScript that the loader reads is placed: ${type} on ${node}`, async () => {
      const { app, socket } = write({
        'app.ts': "import { a } from './a'\nexport const handler = a",
        'a.ts': 'enum Colour { Red }\nexport const a: number = 1\nexport const b = foo(1, ]\n',
        'package.json': JSON.stringify({ type }),
      })
      const server = new Served({ node, args: [app, '--bind', `unix:${socket}`] })
      expect(await server.ended).toBe(1)
      expect(server.output).toMatch(/^ *\S*a\.ts:3:25\n {4}export const b = foo\(1, \]\n {28}\^$/m)
    })

    test(`a name that is declared twice is placed: ${type} on ${node}`, async () => {
      const { app, socket } = write({
        'app.ts':
          "import {\n  sep,\n} from 'node:path'\nenum C {\n  A,\n}\nlet a = 1\ninterface X {\n  a: 1\n}\n  let a = 2\nexport const handler = () => sep + a + C.A\n",
        'package.json': JSON.stringify({ type }),
      })
      const server = new Served({ node, args: [app, '--bind', `unix:${socket}`] })
      expect(await server.ended).toBe(1)
      expect(server.output).toMatch(/^ *\S*app\.ts:11:7\n {6}let a = 2\n {10}\^$/m)
      expect(server.output).toMatch(/\^\n {4}SyntaxError: Identifier 'a' has already been declared$/m)
    })
  }
}
