/** Keys of what is said of clients to the proxy in front, and would be of no use, or said twice, to workers behind it. */
export const SAID_BY_PROXY: readonly string[] = [
  'bodyMaxTimeout',
  'bodyTimeout',
  'headerTimeout',
  'keepAliveTimeout',
  'socketTimeout',
  'trustProxy',
  'trustProxyHeader',
]
