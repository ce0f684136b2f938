/**
 * Stand-ins for Docker's official images, under their names, for a machine that can reach Debian's archive and npm but no registry of
 * images. They are made once, into .cache/containers, and have what the Dockerfiles ask of the official ones: files at the same paths.
 */
import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { debianMirror, DebianSuite } from '../../support/debian-suite.mjs'
import { installNode } from '../../support/install-node.mjs'
import { EngineFailed, read } from './programs.mjs'

const folder = fileURLToPath(new URL('../../../.cache/containers', import.meta.url))

const NODE_MAJOR = 22
/** nginx resolves the addresses of a service again from 1.27.3 on, which stable need not have. */
const NEW_ENOUGH = 'testing'
/** What the commands of a Dockerfile and of health checks are. */
const SMALL = ['base-files', 'bash', 'coreutils', 'dash']
const APT_KEEPS_NOTHING = `Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
APT::Keep-Downloaded-Packages "false";
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb"; };
`
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt'

/** Each image by name: how its file system is made, and what it says beside it. */
const IMAGES = {
  'node:22-bookworm-slim': { made: nodeRoot, changes: ['CMD ["node"]'] },
  'nginx:1.30': { made: nginxRoot, changes: [] },
  'httpd:2.4': { made: httpdRoot, changes: ['ENV PATH=/usr/local/apache2/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin'] },
}

/** Gives the engine the images. */
export function importBaseImages(env) {
  for (const [name, { made, changes }] of Object.entries(IMAGES)) {
    const file = archiveOf(name, made)
    read('docker', ['import', ...changes.flatMap((change) => ['--change', change]), file, name], { env })
    console.log(`  ${name}: a stand-in, from ${file}`)
  }
}

/** The archive of a file system, made if it has not been. */
function archiveOf(name, made) {
  const file = join(folder, `${name.replace(':', '-')}.tar`)
  if (existsSync(file)) return file
  console.log(`  ${name}: making a stand-in`)
  mkdirSync(folder, { recursive: true })
  const root = mkdtempSync(join(tmpdir(), 'tsgi-image-'))
  try {
    // As in any image: not everybody is its owner.
    chmodSync(root, 0o755)
    made(root)
    read('tar', ['--create', '--file', `${file}.new`, '--directory', root, '--numeric-owner', '.'])
    renameSync(`${file}.new`, file)
  } finally {
    rmSync(root, { recursive: true, force: true })
    rmSync(`${file}.new`, { force: true })
  }
  return file
}

/** A small Debian with apt, Node, and npm as it is here. */
function nodeRoot(root) {
  const { binary } = installNode(NODE_MAJOR)
  read('debootstrap', ['--variant=minbase', 'bookworm', root, debianMirror()])
  rmSync(join(root, 'var/cache/apt/archives'), { recursive: true, force: true })
  rmSync(join(root, 'var/lib/apt/lists'), { recursive: true, force: true })
  for (const part of ['var/cache/apt/archives/partial', 'var/lib/apt/lists/partial'])
    mkdirSync(join(root, part), { recursive: true })
  // As in the official image: what apt has fetched and worked out is in no layer.
  writeFileSync(join(root, 'etc/apt/apt.conf.d/docker-clean'), APT_KEEPS_NOTHING)
  appendFileSync(join(root, 'etc/passwd'), 'node:x:1000:1000::/tmp:/bin/bash\n')
  appendFileSync(join(root, 'etc/group'), 'node:x:1000:\n')
  cpSync(realpathSync(binary), join(root, 'usr/local/bin/node'))
  const modules = join(root, 'usr/local/lib/node_modules')
  mkdirSync(modules, { recursive: true })
  cpSync(npmFolder(), join(modules, 'npm'), { recursive: true, verbatimSymlinks: true })
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(root, 'usr/local/bin/npm'))
  // Whom this machine trusts, npm in the image has to: the registry may be a mirror of its own.
  if (existsSync(CERTIFICATES)) {
    mkdirSync(join(root, 'etc/ssl/certs'), { recursive: true })
    cpSync(CERTIFICATES, join(root, CERTIFICATES), { dereference: true })
    mkdirSync(join(root, 'usr/local/etc'), { recursive: true })
    writeFileSync(join(root, 'usr/local/etc/npmrc'), `cafile=${CERTIFICATES}\n`)
  }
}

function npmFolder() {
  const found = spawnSync('npm', ['root', '--global'], { encoding: 'utf8' }).stdout?.trim() ?? ''
  const npm = join(found, 'npm')
  if (!existsSync(npm)) throw new EngineFailed(`npm is not in ${found}`)
  return realpathSync(npm)
}

/** Packages unpacked, without what their scripts would do, and the people that Debian's would have made. */
function unpacked(root, ...packages) {
  const suite = new DebianSuite(NEW_ENOUGH, debianMirror(), folder)
  suite.update()
  suite.unpack(root, ...SMALL, ...packages)
  writeFileSync(
    join(root, 'etc/passwd'),
    'root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\n',
  )
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\nwww-data:x:33:\n')
  if (!existsSync(join(root, 'bin/sh'))) symlinkSync('dash', join(root, 'bin/sh'))
}

function nginxRoot(root) {
  unpacked(root, 'nginx')
}

/** The official image has everything below /usr/local/apache2. */
function httpdRoot(root) {
  unpacked(root, 'apache2-bin', 'media-types')
  const home = join(root, 'usr/local/apache2')
  for (const part of ['bin', 'conf']) mkdirSync(join(home, part), { recursive: true })
  symlinkSync('/usr/lib/apache2/modules', join(home, 'modules'))
  symlinkSync('/usr/sbin/apache2', join(home, 'bin/httpd'))
  cpSync(join(root, 'etc/mime.types'), join(home, 'conf/mime.types'))
  // Debian's looks there, where nobody says otherwise.
  mkdirSync(join(root, 'etc/apache2'), { recursive: true })
  symlinkSync('/usr/local/apache2/conf/httpd.conf', join(root, 'etc/apache2/apache2.conf'))
}

/** A folder for DOCKER_CONFIG in which the client finds Compose, from Debian where nothing is installed. */
export function composePlugin() {
  const config = join(folder, 'client')
  const plugin = join(config, 'cli-plugins', 'docker-compose')
  if (!existsSync(plugin)) {
    const root = mkdtempSync(join(tmpdir(), 'tsgi-compose-'))
    try {
      const suite = new DebianSuite('stable', debianMirror(), folder)
      suite.update()
      suite.unpack(root, 'docker-compose')
      mkdirSync(join(config, 'cli-plugins'), { recursive: true })
      cpSync(join(root, 'usr/libexec/docker/cli-plugins/docker-compose'), `${plugin}.new`)
      renameSync(`${plugin}.new`, plugin)
    } finally {
      rmSync(root, { recursive: true, force: true })
    }
  }
  return config
}
