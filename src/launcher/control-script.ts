import { shellLine, shellWord } from './shell-words.ts'

/** What the control script is made of. Every path is absolute. */
export interface ControlScriptOptions {
  readonly root: string
  /** Where the options hold: relative paths in them are from here. */
  readonly directory: string
  /** Node with its own options, then the script of tsgi-express. */
  readonly launcher: readonly string[]
  /** The same with the script of tsgi. */
  readonly server: readonly string[]
  /** What was given to setup-server. */
  readonly args: readonly string[]
  /** Variables that are settings, with their values. */
  readonly variables: readonly (readonly [name: string, value: string])[]
  /** Every variable that is a setting: what was not set at the set-up is not set later. */
  readonly settingVariables: readonly string[]
  readonly pidFile: string
  /** The pid file is among the arguments already. */
  readonly pidFileGiven: boolean
  /** undefined: there is none. */
  readonly controlSocket: string | undefined
  /** Seconds for a start, and for requests in flight at a stop. */
  readonly startLimit: number
  readonly stopLimit: number
}

/** The text of `tsgictl`, for any POSIX shell. */
export function controlScript(options: ControlScriptOptions): string {
  const { root, directory, launcher, server, args, variables, settingVariables, pidFile, pidFileGiven } = options
  const arguments_ = [...(pidFileGiven ? [] : ['--pid-file', pidFile]), ...args]
  return `#!/bin/sh
# Written by tsgi-express setup-server; type that again to change it: changes made here are lost then.
# Recorded at the set-up: the directory, the options, and the variables that are settings. Read at every start:
# the configuration file, the env files and environ beside this script.

root=${shellWord(root)}
directory=${shellWord(directory)}
pid_file=${shellWord(pidFile)}
# An argument that the process of this server has, and no other.
mark=${shellWord(pidFileGiven ? 'start-server' : pidFile)}
# Empty: there is none.
control_socket=${shellWord(options.controlSocket ?? '')}
# Seconds.
start_limit=${options.startLimit}
stop_limit=${options.stopLimit}

unset ${lines(settingVariables).join(' \\\n  ')}
${variables.map(([name, value]) => `export ${name}=${shellWord(value)}\n`).join('')}
# Both run in place of the shell that calls them. $1: what starts the launcher, or nothing; then options before the recorded ones.
tsgi_express() {
  through=$1
  shift
  exec $through ${shellLine(launcher)} start-server "$@" ${shellLine(arguments_)}
}
tsgi_ctl() {
  exec ${shellLine(server)} ctl --socket "$control_socket" "$@"
}
${BODY}`
}

/** Words, several to a line. */
function lines(words: readonly string[]): string[] {
  return Array.from({ length: Math.ceil(words.length / 5) }, (_, line) => words.slice(line * 5, line * 5 + 5).join(' '))
}

/** What is the same in every script. */
const BODY = String.raw`
say() {
  echo "tsgictl: $*"
}

# Whether a process lives; one that has ended and that nobody has waited for does not.
alive() {
  if [ -r /proc/self/status ]; then
    case $(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null) in
    '' | Z | X) return 1 ;;
    *) return 0 ;;
    esac
  fi
  kill -0 "$1" 2>/dev/null
}

# Whether the server runs; its pid is in $pid then. A pid comes back: the process must be this server's, too.
running() {
  pid=
  [ -r "$pid_file" ] && read -r pid <"$pid_file"
  case $pid in
  '' | *[!0-9]*) return 1 ;;
  esac
  alive "$pid" || return 1
  [ -r "/proc/$pid/cmdline" ] || return 0
  tr '\0' '\n' <"/proc/$pid/cmdline" | grep -q -x -F -e "$mark"
}

# Waits until $pid has ended, for $1 seconds.
ended() {
  tenths=$(($1 * 10))
  while alive "$pid"; do
    [ "$tenths" -gt 0 ] || return 1
    tenths=$((tenths - 1))
    pause
  done
}

# A tenth of a second; a second where sleep knows no fractions.
pause() {
  sleep 0.1 2>/dev/null || { sleep 1; tenths=$((tenths - 9)); }
}

forget_stale() {
  if [ -e "$pid_file" ]; then
    say "the pid file is left over from a server that has ended without a stop"
    rm -f "$pid_file"
  fi
}

enter() {
  cd "$directory" || { say "the directory of the application cannot be entered"; exit 1; }
}

start() {
  if running; then
    say "running already, pid $pid"
    return 0
  fi
  # The launcher refuses a root of somebody else: neither may this script leave a file of ours in it.
  if [ -z "$(find "$root" -prune -user "$(id -u)")" ]; then
    say "the server root belongs to another user; type this as that user" >&2
    return 1
  fi
  forget_stale
  enter
  startup_log=$root/startup.log
  : >"$startup_log" || return 1
  # A session of its own: neither Ctrl-C nor the end of this terminal reaches it.
  command -v setsid >/dev/null && session=setsid || session=nohup
  tsgi_express "$session" </dev/null >>"$startup_log" 2>&1 &
  child=$!
  tenths=$((start_limit * 10))
  until grep -q '^Ready http' "$startup_log"; do
    if ! alive "$child"; then
      wait "$child"
      code=$?
      cat "$startup_log" >&2
      [ "$code" -ne 0 ] || code=1
      say "the server did not start (exit code $code)" >&2
      return "$code"
    fi
    if [ "$tenths" -le 0 ]; then
      kill -TERM "$child"
      cat "$startup_log" >&2
      say "the server was not ready after $start_limit s, and is stopped" >&2
      return 1
    fi
    tenths=$((tenths - 1))
    pause
  done
  cat "$startup_log"
  say "started, pid $child"
}

foreground() {
  if running; then
    say "running already, pid $pid" >&2
    exit 1
  fi
  forget_stale >&2
  enter
  tsgi_express ''
}

stop() {
  if ! running; then
    say "not running"
    forget_stale
    return 0
  fi
  kill -TERM "$pid" || return 1
  ended "$stop_limit" && { say "stopped"; return 0; }
  say "requests are still running after $stop_limit s: they get a second more"
  kill -INT "$pid" 2>/dev/null
  ended 10 && { say "stopped"; return 0; }
  say "killed: it did not stop by itself"
  kill -KILL "$pid" 2>/dev/null
  ended 10 || return 1
  rm -f "$pid_file"
}

configtest() {
  (enter && tsgi_express '' --check-config)
}

reload() {
  if ! running; then
    say "not running" >&2
    return 1
  fi
  if [ -n "$control_socket" ]; then
    (tsgi_ctl reload) && return 0
    return 1
  fi
  kill -HUP "$pid" && say "told to reload; there is no control socket: the error log tells what came of it"
}

status() {
  if ! running; then
    say "not running"
    [ ! -e "$pid_file" ] || say "the pid file is left over: the server has ended without a stop"
    return 3
  fi
  if [ -n "$control_socket" ] && (tsgi_ctl status); then
    return 0
  fi
  say "running, pid $pid"
}

usage() {
  cat <<'END'
Usage: tsgictl COMMAND

start               starts the server in the background, and waits until it is ready
start --foreground  starts it in place of this script, for systemd and containers; also: run
stop                stops it; requests in flight may end
restart             tests the configuration, then stop and start
reload              replaces the workers one after the other; fails, with the reason, where the new code does not start
status              tells how it does; exit code 0: it runs, 3: it does not
configtest          tests what a start would need
END
}

case "$1 $2" in
'start ') start ;;
'start --foreground' | 'run ') foreground ;;
'stop ') stop ;;
'restart ') configtest && stop && start ;;
'reload ') reload ;;
'status ') status ;;
'configtest ') configtest ;;
'help ' | '--help ') usage ;;
*)
  usage >&2
  exit 2
  ;;
esac
`
