import { readFileSync } from 'node:fs'

import { quote, TsgiError } from '../interface/errors.ts'

/**
 * The number of a group given by number or by name. Node has no call for that, so /etc/group is read.
 *
 * Throws `TSGI_ERR_OPTION`; `flag` is the option that names it.
 */
export function groupId(group: string, flag: string): number {
  if (/^\d{1,10}$/.test(group)) return Number(group)
  let table: string
  try {
    table = readFileSync('/etc/group', 'utf8')
  } catch (error) {
    throw new TsgiError('TSGI_ERR_OPTION', `${flag} ${quote(group)}: /etc/group cannot be read; give the number`, {
      cause: error,
    })
  }
  // group(5): name:password:number:members
  const [, , number] =
    table
      .split('\n')
      .map((line) => line.split(':'))
      .find(([name]) => name === group) ?? []
  if (number === undefined || !/^\d+$/.test(number)) {
    throw new TsgiError('TSGI_ERR_OPTION', `${flag} ${quote(group)}: /etc/group has no such group`)
  }
  return Number(number)
}
