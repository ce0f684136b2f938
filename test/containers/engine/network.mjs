/**
 * The engine has a network of its own, so that its bridges, addresses and rules end with it. A cable (veth) leads there from this
 * machine, and two rules let what is in there out, to where packages are.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { EngineFailed, read, tried } from './programs.mjs'

const FORWARD = '/proc/sys/net/ipv4/ip_forward'

/** What is made, from a number that no other engine has now: 0 to 249. */
export function networkPlan(number) {
  return {
    number,
    cable: `tsgi-e${number}`,
    outside: `10.213.${number}.1`,
    inside: `10.213.${number}.2`,
    mtu: mtuOfDefaultRoute(),
    forwarded: readFileSync(FORWARD, 'utf8').trim(),
  }
}

/** Packets longer than those of the way out would be lost on it. */
function mtuOfDefaultRoute() {
  const [route] = JSON.parse(read('ip', ['-json', 'route', 'show', 'default']) || '[]')
  if (route === undefined) throw new EngineFailed('this machine has no route to the registries of npm and Debian')
  const [link] = JSON.parse(read('ip', ['-json', 'link', 'show', 'dev', route.dev]))
  return link.mtu
}

/** Rules of this machine: of each the table and what follows -A, -I or -D. */
function rules({ cable, inside }) {
  return [
    ['nat', '-A', ['POSTROUTING', '-s', inside, '-j', 'MASQUERADE']],
    ['filter', '-I', ['FORWARD', '-i', cable, '-j', 'ACCEPT']],
    ['filter', '-I', ['FORWARD', '-o', cable, '-j', 'ACCEPT']],
  ]
}

/** Lays the cable to the network in which the process `pid` is. */
export function connect(plan, pid) {
  const { cable, outside, inside, mtu } = plan
  const within = (...args) => read('nsenter', [`--net=/proc/${pid}/ns/net`, 'ip', ...args])
  read('ip', ['link', 'add', cable, 'mtu', mtu, 'type', 'veth', 'peer', 'name', 'eth0', 'mtu', mtu, 'netns', pid].map(String))
  read('ip', ['address', 'add', `${outside}/30`, 'dev', cable])
  read('ip', ['link', 'set', cable, 'up'])
  within('link', 'set', 'lo', 'up')
  within('address', 'add', `${inside}/30`, 'dev', 'eth0')
  within('link', 'set', 'eth0', 'up')
  within('route', 'add', 'default', 'via', outside)
  writeFileSync(FORWARD, '1')
  for (const [table, way, rule] of rules(plan)) read('iptables', ['--wait', '-t', table, way, ...rule])
}

/** Takes away what `connect` made, as far as it came. */
export function disconnect(plan) {
  for (const [table, , rule] of rules(plan)) tried('iptables', ['--wait', '-t', table, '-D', ...rule])
  tried('ip', ['link', 'delete', plan.cable])
  if (plan.forwarded === '0') writeFileSync(FORWARD, '0')
}
