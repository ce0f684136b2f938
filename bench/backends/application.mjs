import { BODY, HEADERS } from './parent.mjs'

export const application = (_environ, startResponse) => {
  startResponse('200 OK', HEADERS)
  return BODY
}
