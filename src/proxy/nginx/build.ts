/** What is known of the installed nginx. */
export interface NginxBuild {
  /** `1.22.1` */
  readonly version: string
  /** Modules that this build leaves out, as `nginx -V` names them: `http_scgi_module`. Their directives would be refused. */
  readonly without: ReadonlySet<string>
}
