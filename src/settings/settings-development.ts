import { hostPattern } from './setting-kinds.ts'
import { DEV, setting } from './setting.ts'
import { boolean, list, path, text } from './settings-values.ts'

/** The rows of the table that only the development server has. */
export const DEVELOPMENT_SETTINGS = {
  https: setting({
    kind: boolean(),
    default: false,
    help: 'Answers by HTTPS, with the certificate of --ssl-certificate-file or one that it makes and keeps',
    theme: 'HTTPS',
    commands: DEV,
  }),
  trustedHost: setting({
    kind: list(hostPattern),
    default: [],
    help: 'Another host name that requests may come for, beside localhost; *.NAME for all below it; repeatable',
    theme: 'Names',
    commands: DEV,
  }),
  reloadExtraFile: setting({
    kind: list(path('PATH')),
    default: [],
    help: "File or directory that is watched beside the application's sources, whatever its name; repeatable",
    theme: 'Application',
    commands: DEV,
  }),
  reloadExclude: setting({
    kind: list(text('PATTERN', 'a name or a path, with wildcards')),
    default: [],
    help: 'Files and directories whose changes do not matter: a name, or a path from the application; * and ** are wild; repeatable',
    theme: 'Application',
    commands: DEV,
  }),
}
