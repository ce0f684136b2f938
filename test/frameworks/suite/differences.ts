import type { Difference } from './difference.ts'
import { BEHIND_APACHE } from './differences-behind-apache.ts'
import { OF_EVERY_APPLICATION } from './differences-of-every-application.ts'
import { OF_FETCH_HANDLERS } from './differences-of-fetch-handlers.ts'
import { OF_NEWER_NGINX } from './differences-of-newer-nginx.ts'
import { OF_THE_LISTENER } from './differences-of-the-listener.ts'
import { WITHOUT_A_PROXY } from './differences-without-a-proxy.ts'

/** Everything in which tsgi is known to differ from `node:http`. The tests fail for what is not here, and for what no longer occurs. */
export const DIFFERENCES: readonly Difference[] = [
  ...OF_EVERY_APPLICATION,
  ...OF_FETCH_HANDLERS,
  ...OF_THE_LISTENER,
  ...OF_NEWER_NGINX,
  ...WITHOUT_A_PROXY,
  ...BEHIND_APACHE,
]
