import type { Case } from '../case.ts'
import { contractBodyCases } from './contract-bodies.ts'
import { contractConnectionCases } from './contract-connections.ts'
import { contractRequestCases } from './contract-requests.ts'
import { contractResponseCases } from './contract-responses.ts'
import { bodyCases } from './listener-bodies.ts'
import { eventCases } from './listener-events.ts'
import { headCases } from './listener-heads.ts'
import { refusalCases } from './listener-refusals.ts'
import { requestCases } from './listener-requests.ts'

/** For every application. */
export const contractCases: readonly Case[] = [
  ...contractRequestCases,
  ...contractBodyCases,
  ...contractResponseCases,
  ...contractConnectionCases,
]

/** For the application that uses all of Node's own interface: test/apps/listener. */
export const listenerCases: readonly Case[] = [...headCases, ...bodyCases, ...requestCases, ...refusalCases, ...eventCases]
