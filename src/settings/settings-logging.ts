import { compileAccessFormat } from '../logging/access-format.ts'
import { formatLogTarget, parseLogTarget } from '../logging/log-target.ts'
import type { LogTarget } from '../logging/log-target.ts'
import { formatSyslogAddress, parseSyslogAddress } from '../logging/syslog-address.ts'
import type { SyslogAddress } from '../logging/syslog-address.ts'
import { FACILITIES } from '../logging/syslog-message.ts'
import type { Facility } from '../logging/syslog-message.ts'
import { ALL, BOTH, SERVE, setting, START_SERVER } from './setting.ts'
import { boolean, choice, integer, size, text } from './settings-values.ts'
import type { ValueKind } from './settings-values.ts'

const accessLog: ValueKind<LogTarget> = {
  placeholder: 'FILE',
  accepted: 'a file, - (standard output), syslog or off',
  arity: 'one',
  parse: parseLogTarget,
  show: formatLogTarget,
  path: true,
  noPath: ['-', 'syslog', 'off'],
}

const errorLog: ValueKind<LogTarget> = {
  placeholder: 'FILE',
  accepted: 'a file, - (standard error) or syslog',
  arity: 'one',
  parse: (value) => (value === 'off' ? undefined : parseLogTarget(value)),
  show: formatLogTarget,
  path: true,
  noPath: ['-', 'syslog', 'off'],
}

const accessLogFormat: ValueKind<string> = {
  placeholder: 'FORMAT',
  accepted: 'common, combined, json, or a format of atoms',
  arity: 'one',
  parse(value) {
    compileAccessFormat(value)
    return value
  },
}

const syslogAddress: ValueKind<SyslogAddress> = {
  placeholder: 'ADDR',
  accepted: 'udp://host:514, tcp://host:514, unix:///path#dgram or unix:///path#stream',
  arity: 'one',
  parse: parseSyslogAddress,
  show: formatSyslogAddress,
}

// Object.keys drops the type of the keys.
const FACILITY_NAMES = Object.keys(FACILITIES) as Facility[]

/** Where syslog listens on nearly every Linux. */
const LOCAL_SYSLOG: SyslogAddress = { type: 'dgram', path: '/dev/log' }

/** The rows of the table that are about logs. */
export const LOGGING_SETTINGS = {
  logLevel: setting({
    kind: choice('LEVEL', ['error', 'warn', 'info', 'debug']),
    default: 'info',
    help: 'Least severe line that is logged: error, warn, info or debug',
    theme: 'Logging',
    commands: ALL,
  }),
  logToTerminal: setting({
    kind: boolean(),
    default: false,
    help: 'Writes every log to the terminal, not to files in the server root',
    theme: 'Logging',
    commands: START_SERVER,
  }),
  accessLog: setting({
    kind: accessLog,
    default: undefined,
    defaultText: 'off; behind a proxy of the launcher: access.log in the server root; of dev: short lines on the terminal',
    help: 'Log of the requests: a file, - for standard output, syslog, or off',
    theme: 'Logging',
    commands: ALL,
    aliases: ['access-logfile'],
  }),
  accessLogFormat: setting({
    kind: accessLogFormat,
    default: 'combined',
    help: 'Lines of that log: common, combined, json, or atoms such as %(h)s %(r)s %({referer}i)s',
    theme: 'Logging',
    commands: BOTH,
    aliases: ['access-logformat'],
  }),
  errorLog: setting({
    kind: errorLog,
    default: undefined,
    defaultText: '-; of start-server: error.log in the server root',
    help: "The server's own log and the workers' standard error: a file, - for standard error, or syslog",
    theme: 'Logging',
    commands: BOTH,
    aliases: ['error-logfile', 'log-file'],
  }),
  captureOutput: setting({
    kind: boolean(),
    default: false,
    help: "Leads the workers' standard output to the file of --error-log, too",
    theme: 'Logging',
    commands: SERVE,
  }),
  logFormat: setting({
    kind: choice('FORMAT', ['text', 'json']),
    default: 'text',
    help: "Lines of the server's own log: text or json",
    theme: 'Logging',
    commands: BOTH,
  }),
  maxLogSize: setting({
    kind: size('SIZE'),
    default: undefined,
    defaultText: 'none; with --rotate-logs: 5MB',
    help: 'Size at which a log file is moved away; 0: never',
    theme: 'Logging',
    commands: BOTH,
  }),
  rotateLogs: setting({
    kind: integer('N', 0, 1000),
    default: undefined,
    defaultText: 'none; with --max-log-size: 7',
    help: 'How many log files that were moved away are kept; 0: they are never moved',
    theme: 'Logging',
    commands: BOTH,
  }),
  logSyslogTo: setting({
    kind: syslogAddress,
    default: LOCAL_SYSLOG,
    defaultText: 'unix:///dev/log#dgram',
    help: 'Where syslog listens: udp://host:514, tcp://host:514, unix:///path#dgram or unix:///path#stream',
    theme: 'Logging',
    commands: BOTH,
  }),
  logSyslogFacility: setting({
    kind: choice('NAME', FACILITY_NAMES),
    default: 'user',
    help: 'Facility of the lines in syslog',
    theme: 'Logging',
    commands: BOTH,
  }),
  logSyslogPrefix: setting({
    kind: text('NAME', 'up to 40 letters, digits and ._-', /^[\w.-]{1,40}$/),
    default: 'tsgi',
    help: 'Name of the program in syslog',
    theme: 'Logging',
    commands: BOTH,
  }),
}
