/**
 * How httpd reads the arguments of a directive.
 *
 * `once`: words between quotes, in which a backslash escapes a quote or a backslash; then `${NAME}` becomes a defined parameter or a
 * variable of the environment (ap_getword_conf). `twice`: the line is looked through for `${NAME}` before it is taken apart into
 * such words, which are looked through again; so it is with sections and all directives that get their line raw. `rewrite`:
 * mod_rewrite's own way: raw, too, and no escape between quotes, which therefore must not be in the text.
 */
export type Reader = 'once' | 'twice' | 'rewrite'

/**
 * What else the characters of a value from outside would mean in one argument of a directive.
 *
 * `plain`: nothing. `format`: a format of logs, where `%` and the backslash begin something; both can be doubled. `regex`: a regular
 * expression. `expand`: `$1`, `%1`, `%{NAME}` and `${map:key}` of mod_rewrite; a backslash takes their meaning away. `socket`: the
 * path of a unix socket in the URL of a backend, which nothing escapes: `|` ends it, `?` and `#` end a path. `expanded-socket`: both
 * of these. `pattern`: a path in which `*`, `?` and `[` are wildcards. `name`: of an account, where `#` begins its number.
 * `header`: a value of a header field or what is looked for in it, where `%` and `$1` are replaced. `ours`: no value from outside gets there.
 */
export type Meaning =
  | 'plain'
  | 'format'
  | 'regex'
  | 'expand'
  | 'socket'
  | 'expanded-socket'
  | 'pattern'
  | 'name'
  | 'header'
  | 'ours'

/** Every directive that can be written: its reader, then its arguments that may hold values from outside, in their order. */
export const DIRECTIVES = {
  AddDefaultCharset: ['once'],
  AddType: ['once'],
  AddOutputFilterByType: ['once'],
  Alias: ['once', 'plain', 'plain'],
  AllowEncodedSlashes: ['once'],
  AllowOverride: ['once'],
  CGIPassAuth: ['once'],
  CustomLog: ['once', 'plain'],
  DefaultRuntimeDir: ['once', 'plain'],
  Directory: ['twice'],
  DirectoryIndex: ['once', 'plain'],
  DirectoryMatch: ['twice', 'regex'],
  DirectorySlash: ['once'],
  DocumentRoot: ['once', 'plain'],
  ErrorDocument: ['twice'],
  ErrorLog: ['once', 'plain'],
  FileETag: ['once'],
  ForceType: ['once'],
  GracefulShutdownTimeout: ['once'],
  Group: ['once', 'name'],
  Header: ['once', 'ours', 'ours', 'header', 'header'],
  Include: ['once', 'pattern'],
  IndexIgnore: ['once'],
  IndexOptions: ['once'],
  KeepAlive: ['once'],
  KeepAliveTimeout: ['once'],
  LimitRequestBody: ['once'],
  Listen: ['once'],
  ListenBackLog: ['once'],
  LoadModule: ['once', 'ours', 'plain'],
  Location: ['twice'],
  LocationMatch: ['twice', 'regex'],
  LogFormat: ['once', 'format'],
  LogLevel: ['once'],
  MaxKeepAliveRequests: ['once'],
  MaxRequestWorkers: ['once'],
  MaxSpareThreads: ['once'],
  MinSpareThreads: ['once'],
  Options: ['once'],
  PidFile: ['once', 'plain'],
  Protocols: ['once'],
  ProxyAddHeaders: ['once'],
  ProxyErrorOverride: ['once'],
  ProxyFCGIBackendType: ['once'],
  ProxyFCGISetEnvIf: ['once'],
  ProxyPass: ['twice', 'plain', 'socket'],
  ProxyPreserveHost: ['once'],
  Proxy: ['twice'],
  RemoteIPHeader: ['once'],
  RemoteIPInternalProxy: ['once'],
  RequestHeader: ['once'],
  RequestReadTimeout: ['once'],
  Require: ['twice'],
  RewriteCond: ['rewrite', 'expand', 'regex'],
  RewriteEngine: ['once'],
  RewriteRule: ['rewrite', 'regex', 'expanded-socket'],
  SSLCACertificateFile: ['once', 'plain'],
  SSLCertificateFile: ['once', 'plain'],
  SSLCertificateKeyFile: ['once', 'plain'],
  SSLCipherSuite: ['once'],
  SSLEngine: ['once'],
  SSLOptions: ['once'],
  SSLProtocol: ['once'],
  SSLSessionCache: ['once'],
  SSLSessionTickets: ['once'],
  SSLVerifyClient: ['once'],
  SSLVerifyDepth: ['once'],
  ServerLimit: ['once'],
  ServerAlias: ['once', 'plain'],
  ServerName: ['once'],
  ServerRoot: ['once', 'plain'],
  ServerSignature: ['once'],
  ServerTokens: ['once'],
  SetEnvIf: ['once'],
  SetEnvIfExpr: ['once'],
  StartServers: ['once'],
  ThreadLimit: ['once'],
  ThreadsPerChild: ['once'],
  Timeout: ['once'],
  TraceEnable: ['once'],
  TypesConfig: ['once'],
  UseCanonicalName: ['once'],
  UseCanonicalPhysicalPort: ['once'],
  User: ['once', 'name'],
  VirtualHost: ['twice'],
} as const satisfies Record<string, readonly [Reader, ...Meaning[]]>
