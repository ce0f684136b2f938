/**
 * How httpd reads the arguments of a directive. First it looks for `${NAME}` in the whole line, which becomes a defined parameter or a
 * variable of the environment (ap_resolve_env); what came of that is not looked through again. Then the line is taken apart.
 *
 * `words`: by white space and quotes, between which a backslash escapes a quote or a backslash (ap_getword_conf). `rewrite`:
 * mod_rewrite's own way: there is no escape between quotes, which therefore must not be in the text.
 */
export type Reader = 'words' | 'rewrite'

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
  AddCharset: ['words'],
  AddDefaultCharset: ['words'],
  AddType: ['words'],
  AddOutputFilterByType: ['words'],
  Alias: ['words', 'plain', 'plain'],
  AllowEncodedSlashes: ['words'],
  AllowOverride: ['words'],
  CGIPassAuth: ['words'],
  CustomLog: ['words', 'plain'],
  DefaultRuntimeDir: ['words', 'plain'],
  Directory: ['words'],
  DirectoryIndex: ['words', 'plain'],
  DirectoryMatch: ['words', 'regex'],
  DirectorySlash: ['words'],
  DocumentRoot: ['words', 'plain'],
  ErrorDocument: ['words'],
  ErrorLog: ['words', 'plain'],
  ErrorLogFormat: ['words'],
  FileETag: ['words'],
  ForceType: ['words'],
  GracefulShutdownTimeout: ['words'],
  Group: ['words', 'name'],
  Header: ['words', 'ours', 'ours', 'header', 'header'],
  Include: ['words', 'pattern'],
  IndexIgnore: ['words'],
  IndexOptions: ['words'],
  KeepAlive: ['words'],
  KeepAliveTimeout: ['words'],
  LimitRequestBody: ['words'],
  Listen: ['words'],
  ListenBackLog: ['words'],
  LoadModule: ['words', 'ours', 'plain'],
  Location: ['words'],
  LocationMatch: ['words', 'regex'],
  LogFormat: ['words', 'format'],
  LogLevel: ['words'],
  MaxKeepAliveRequests: ['words'],
  MaxRequestWorkers: ['words'],
  MaxSpareThreads: ['words'],
  MinSpareThreads: ['words'],
  Options: ['words'],
  PidFile: ['words', 'plain'],
  Protocols: ['words'],
  ProxyAddHeaders: ['words'],
  ProxyErrorOverride: ['words'],
  ProxyFCGIBackendType: ['words'],
  ProxyFCGISetEnvIf: ['words'],
  ProxySCGIInternalRedirect: ['words'],
  ProxyPass: ['words', 'plain', 'socket'],
  ProxyPreserveHost: ['words'],
  Proxy: ['words'],
  RemoteIPHeader: ['words'],
  RemoteIPInternalProxy: ['words'],
  RequestHeader: ['words'],
  RequestReadTimeout: ['words'],
  Require: ['words'],
  RewriteCond: ['rewrite', 'expand', 'regex'],
  RewriteEngine: ['words'],
  RewriteRule: ['rewrite', 'regex', 'expanded-socket'],
  SSLCACertificateFile: ['words', 'plain'],
  SSLCertificateFile: ['words', 'plain'],
  SSLCertificateKeyFile: ['words', 'plain'],
  SSLCipherSuite: ['words'],
  SSLEngine: ['words'],
  SSLOptions: ['words'],
  SSLProtocol: ['words'],
  SSLSessionCache: ['words'],
  SSLSessionTickets: ['words'],
  SSLVerifyClient: ['words'],
  SSLVerifyDepth: ['words'],
  ServerAlias: ['words', 'plain'],
  ServerLimit: ['words'],
  ServerName: ['words'],
  ServerRoot: ['words', 'plain'],
  ServerSignature: ['words'],
  ServerTokens: ['words'],
  SetEnvIf: ['words'],
  SetEnvIfExpr: ['words'],
  StartServers: ['words'],
  ThreadLimit: ['words'],
  ThreadsPerChild: ['words'],
  Timeout: ['words'],
  TraceEnable: ['words'],
  TypesConfig: ['words'],
  UseCanonicalName: ['words'],
  UseCanonicalPhysicalPort: ['words'],
  User: ['words', 'name'],
  VirtualHost: ['words'],
} as const satisfies Record<string, readonly [Reader, ...Meaning[]]>
