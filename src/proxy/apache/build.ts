/** What is known of the installed httpd. */
export interface ApacheBuild {
  /** `2.4.62` */
  readonly version: string
  /** Where its modules are. */
  readonly modulesDirectory: string
  /** Modules there: `proxy_fcgi` for `mod_proxy_fcgi.so`. */
  readonly modules: ReadonlySet<string>
  /** Modules that are part of the executable, by the same names. */
  readonly builtin: ReadonlySet<string>
  /** Whether a socket that listens on `[::]` takes IPv4's connections, too. */
  readonly mapsIpv4: boolean
}
