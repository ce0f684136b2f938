import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'
import { until } from '../support/until.ts'
import { temporaryDirectory } from './served.ts'

/** A service manager's socket, which Node cannot open: Perl, which every Debian has, prints each datagram as one line. */
const RECEIVER = `
use IO::Socket::UNIX; use Socket; $| = 1;
my $socket = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $ARGV[0]) or die "$!";
chmod 0666, $ARGV[0];
print "listening\\n";
while (defined $socket->recv(my $word, 8192)) { $word =~ s/\\n/ | /g; print "$word\\n"; }
`

export interface NotifySocket {
  readonly path: string
  /** What was said, in its order; the variables of one message are separated by ` | `. */
  readonly words: readonly string[]
  /** Resolves when the words match in this order, whatever else is said between them. */
  hears(...patterns: readonly RegExp[]): Promise<void>
}

/** Listens as systemd does, until the test ends. */
export async function notifySocket(): Promise<NotifySocket> {
  const path = join(temporaryDirectory(), 'notify')
  const child = spawn('perl', ['-e', RECEIVER, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const words: string[] = []
  let listening = false
  createInterface(child.stdout).on('line', (line) => {
    if (line === 'listening') listening = true
    // How systemd-notify waits until it was heard.
    else if (line !== 'BARRIER=1') words.push(line)
  })
  await until(() => listening, 'the receiver')
  return {
    path,
    words,
    async hears(...patterns) {
      const heard = (): boolean => {
        let from = 0
        return patterns.every((pattern) => {
          const found = words.findIndex((word, index) => index >= from && pattern.test(word))
          from = found + 1
          return found >= 0
        })
      }
      await until(heard, patterns.map(String).join(', ')).catch((error: unknown) => {
        throw new Error(`heard ${JSON.stringify(words)}`, { cause: error })
      })
    },
  }
}
