/** A word of a command line as systemd.service(5) reads it: `%` and `$` mean themselves. */
export function execWord(text: string): string {
  return quoted(text.replaceAll('%', '%%').replaceAll('$', '$$$$'))
}

/** A word of any other setting that takes several. */
export function settingWord(text: string): string {
  return quoted(text.replaceAll('%', '%%'))
}

function quoted(text: string): string {
  if (/^[\w@%+=:,./$-]+$/.test(text)) return text
  return `"${text.replace(/["\\]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\t', '\\t')}"`
}

export interface ServiceUnit {
  readonly description: string
  /** Lines of [Unit] beside the usual ones. */
  readonly unit?: readonly string[]
  readonly user: string
  readonly group?: string | undefined
  /** Absolute. */
  readonly directory: string
  readonly environment: readonly (readonly [name: string, value: string])[]
  /** The command, word by word; the first is an absolute path. */
  readonly command: readonly string[]
  /** Seconds that a stop may take. */
  readonly stopLimit: number
  /** It listens on a port below 1024. */
  readonly lowPort: boolean
  /** Directories that it writes to. */
  readonly writable: readonly string[]
  /** Every path that it reads: what of the system can be hidden depends on them. */
  readonly reads: readonly string[]
  /** Lines of [Service] beside the usual ones. */
  readonly service?: readonly string[]
  /** Files that only root may read: systemd gives the service a copy of each, whose path is the value of an option. */
  readonly credentials?: readonly Credential[]
}

export interface Credential {
  /** Letters, digits, `.`, `-`. */
  readonly name: string
  readonly path: string
  /** `--ssl-certificate-key-file` */
  readonly option: string
}

/** A service that may do what a server of ours needs, and nothing else. */
export function serviceUnit(unit: ServiceUnit): string {
  const capability = unit.lowPort ? 'CAP_NET_BIND_SERVICE' : ''
  const paths = [...unit.reads, ...unit.writable]
  return `[Unit]
Description=${unit.description.replaceAll('%', '%%')}
After=network.target
${(unit.unit ?? []).map((line) => `${line}\n`).join('')}
[Service]
# Ready when the workers serve; the word comes from a child of the main process.
Type=notify
NotifyAccess=all
User=${unit.user}
${unit.group === undefined ? '' : `Group=${unit.group}\n`}WorkingDirectory=${unit.directory.replaceAll('%', '%%')}
Environment=NODE_ENV=production
${unit.environment.map(([name, value]) => `Environment=${settingWord(`${name}=${value}`)}\n`).join('')}${(unit.service ?? []).map((line) => `${line}\n`).join('')}${credentialLines(unit)}ExecStart=${[...unit.command.map(execWord), ...credentialWords(unit)].join(' ')}
ExecReload=/bin/kill -HUP $MAINPID
# TERM to the master alone, which stops the others in order; KILL for whatever is left.
KillMode=mixed
TimeoutStopSec=${unit.stopLimit}
Restart=on-failure
# A mistake in the settings does not mend itself.
RestartPreventExitStatus=2
WatchdogSec=30

UMask=0027
NoNewPrivileges=yes
CapabilityBoundingSet=${capability}
${unit.lowPort ? `AmbientCapabilities=${capability}\n` : ''}ProtectSystem=strict
${unit.writable.map((path) => `ReadWritePaths=${settingWord(path)}\n`).join('')}ProtectHome=${paths.some((path) => /^\/(?:home|root|run\/user)\//.test(`${path}/`)) ? 'read-only' : 'yes'}
PrivateTmp=${paths.some((path) => /^\/(?:var\/)?tmp\//.test(`${path}/`)) ? 'no' : 'yes'}
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
LockPersonality=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
# NETLINK: looking names up and listing the machine's addresses.
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native
SystemCallFilter=@system-service @pkey
SystemCallErrorNumber=EPERM
# Never MemoryDenyWriteExecute=yes: V8 writes the code that it runs.

[Install]
WantedBy=multi-user.target
`
}

function credentialLines({ credentials = [], user }: ServiceUnit): string {
  if (credentials.length === 0) return ''
  const lines = credentials.map(({ name, path }) => `LoadCredential=${settingWord(`${name}:${path}`)}\n`)
  return `# ${user} may not read these: the service has copies of them, from its start on. After a renewal type systemctl restart.\n${lines.join('')}`
}

/** The one variable that is to mean something. */
function credentialWords({ credentials = [] }: ServiceUnit): string[] {
  return credentials.flatMap(({ option, name }) => [option, `\${CREDENTIALS_DIRECTORY}/${name}`])
}

/** A socket that systemd listens on while the service of the same name is restarted. */
export function socketUnit(description: string, path: string, group: string): string {
  return `# systemd listens and keeps listening while the service is restarted: clients wait and are not refused.
[Unit]
Description=${description.replaceAll('%', '%%')}

[Socket]
ListenStream=${path.replaceAll('%', '%%')}
SocketMode=0660
# The group that the proxy's workers have.
SocketGroup=${group}

[Install]
WantedBy=sockets.target
`
}
