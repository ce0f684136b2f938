import { chmodSync, cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

import { requires } from '../support/requirements.ts'
import { packageDirectory, sectionsOf, Walk } from './walked-page.ts'
import type { Section } from './walked-page.ts'

const checkout = fileURLToPath(new URL('../..', import.meta.url))

const PROXIES = [
  ['nginx', 'nginx'],
  ['apache', 'apache2'],
] as const

interface Recipe extends Section {
  /** The server type that it is for; undefined: each. */
  readonly only: string | undefined
}

function recipes(): Recipe[] {
  const page = readFileSync(join(checkout, 'docs/recipes.md'), 'utf8')
  return sectionsOf(page).map((section) => ({ ...section, only: /<!-- (nginx|apache) -->/.exec(section.prose)?.[1] }))
}

/** Types the commands one after the other, in a directory with the examples and with free ports. */
async function follow(recipe: Recipe, serverType: string): Promise<void> {
  const directory = packageDirectory()
  cpSync(join(checkout, 'examples'), join(directory, 'examples'), { recursive: true })
  chmodSync(directory, 0o755)
  const walk = await Walk.begin(directory, { env: { TSGI_SERVER_TYPE: serverType } })
  await walk.follow(recipe)
}

describe.each(PROXIES)('the recipes behind %s', (serverType, program) => {
  requires(program, 'dist', 'curl', 'openssl').describe('work as they are written', () => {
    for (const recipe of recipes().filter(({ only }) => only === undefined || only === serverType)) {
      if (recipe.title.startsWith('As root')) requires('root').test(`${recipe.title}`, () => follow(recipe, serverType))
      else it(`${recipe.title}`, () => follow(recipe, serverType))
    }
  })
})

it('are there', () => {
  expect(recipes().length).toBeGreaterThan(7)
})
