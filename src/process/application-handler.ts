import { TsgiError } from '../interface/errors.ts'
import type { RequestHandler } from '../gateway/request-handler.ts'
import { applicationHandler } from '../gateway/run-application.ts'
import type { LoadedApplication } from './detect-application.ts'

/**
 * What serves the requests of a loaded application: the place where the adapters of the other kinds come in.
 *
 * Throws `TSGI_ERR_APP_EXPORT` for a kind that is not served.
 */
export function handlerFor(loaded: LoadedApplication): RequestHandler {
  switch (loaded.kind) {
    case 'tsgi':
      return applicationHandler(loaded.application)
    case 'node':
    case 'fetch':
      throw new TsgiError(
        'TSGI_ERR_APP_EXPORT',
        `${loaded.exportName} is a ${loaded.kind} application, and this version serves TSGI applications only. ` +
          'Write: export const application = async (environ, startResponse) => { … }, or name such an export with --interface tsgi',
      )
  }
}
