import { expect } from 'vitest'

import { isReadOnly, rightsIn } from './docker.ts'

/** Nobody in the container is root, has or can get a capability, or can write to its image. */
export async function expectConfined(container: string, { mayGainMore = false } = {}): Promise<void> {
  const rights = await rightsIn(container)
  expect(rights.length).toBeGreaterThan(0)
  for (const { name, uids, capabilities, canGainMore } of rights) {
    expect({ name, uids: [...uids], capabilities, canGainMore }).toEqual({
      name,
      uids: ['1000'],
      capabilities: 0,
      canGainMore: mayGainMore,
    })
  }
  expect(await isReadOnly(container)).toBe(true)
}
