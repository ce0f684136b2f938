import { get, Theme } from '../case.ts'

/** What the application tries (test/apps/listener/refusals.mjs). */
const BEFORE = [
  'a field value with a line end',
  'a field value beyond latin-1',
  'a field value with a NUL',
  'a field name with a space',
  'an empty field name',
  'no field value',
  'a field value that is null',
  'a field name that is a number',
  'an appended value beyond latin-1',
  'status 99',
  'status 1000',
  'a status that is no number',
  'a status message with a line end',
  'an odd flat list of fields',
  'a head with a value beyond latin-1',
  'a chunk that is a number',
  'a chunk that is null',
  'a chunk that is undefined',
  'a chunk that is an object',
  'an end with a number',
  'an early hint without a link',
  'an early hint that is null',
  'trailers with a bad name',
  'getting a field by a number',
  'removing a field by a number',
  'unknown encoding',
]

const AFTER = [
  'a field',
  'an appended field',
  'removing a field',
  'a second head',
  'flushing the head again',
  'several fields',
  'a status code',
  'a chunk that is a number',
  'assigning another socket',
]

const theme = new Theme('refusals')
for (const what of BEFORE) theme.add(what, get(`/refusals/before?what=${encodeURIComponent(what)}`))
for (const what of AFTER) theme.add(`${what}, behind the head`, get(`/refusals/after?what=${encodeURIComponent(what)}`))

export const refusalCases = theme.cases
