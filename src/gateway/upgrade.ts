import { findParam } from './params.ts'

/**
 * The protocol that a request wants its connection to change to (RFC 9110, section 7.8), as the client wrote it: `websocket`.
 * Undefined where it wants none, where its body would have to be read first, and for h2c: clients offer that with ordinary
 * requests, and mean them.
 */
export function requestedUpgrade(params: readonly string[]): string | undefined {
  const protocol = findParam(params, 'HTTP_UPGRADE')
  if (protocol === undefined || !isUpgrade(protocol, findParam(params, 'HTTP_CONNECTION'))) return undefined
  const length = findParam(params, 'CONTENT_LENGTH')
  const hasBody = (length !== undefined && length !== '' && length !== '0') || findParam(params, 'HTTP_TRANSFER_ENCODING')
  return hasBody ? undefined : protocol
}

/** Whether the fields Upgrade and Connection of a request together ask for a change that may be made. */
export function isUpgrade(upgrade: string, connection: string | undefined): boolean {
  const protocol = upgrade.trim().toLowerCase()
  return protocol !== '' && protocol !== 'h2c' && hasUpgradeToken(connection)
}

/** The tokens of a Connection field without `upgrade`. */
export function withoutUpgradeToken(connection: string): string {
  return tokensOf(connection)
    .filter((token) => !isUpgradeToken(token))
    .join(', ')
}

function hasUpgradeToken(connection: string | undefined): boolean {
  return connection !== undefined && tokensOf(connection).some(isUpgradeToken)
}

function isUpgradeToken(token: string): boolean {
  return token.toLowerCase() === 'upgrade'
}

function tokensOf(connection: string): string[] {
  return connection
    .split(',')
    .map((token) => token.trim())
    .filter((token) => token !== '')
}
