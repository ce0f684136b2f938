import type { ContainerPlan } from './plan.ts'
import type { ServedPath } from './static-files.ts'
import { SCRATCH, serveArguments, SOCKET_DIRECTORY, USER_ID, WORKER_PORT } from './plan.ts'

/** The application's own package, which has tsgi among its dependencies, or the checkout of tsgi itself with its examples. */
export type ImageSource = 'package' | 'checkout'

/** `tsgi` in the application's directory. */
const TSGI = { package: 'node_modules/tsgi/dist/cli/tsgi.js', checkout: 'dist/cli/tsgi.js' } as const

export const CONTROL_SOCKET = `${SCRATCH}/tsgi.ctl`

const BASES = { nginx: ['NGINX_IMAGE', 'nginx:1.30'], apache: ['APACHE_IMAGE', 'httpd:2.4'] } as const

type Proxy = ContainerPlan['proxy']

/**
 * Images of the application, of its proxy, and of both in one. Nothing in them runs as root, needs a shell to run or writes
 * outside of `/tmp` and the directory of the socket. Written for every builder, so without BuildKit's own words.
 */
export function dockerfile(plan: ContainerPlan): string {
  const { proxy } = plan
  return [
    bases(`docker build --target application . (or ${proxy}, or all-in-one)`, [proxy]),
    DEPENDENCIES.package,
    application(serveArguments(plan), 'package'),
    proxy === 'nginx' ? nginx('proxy', plan.served) : apache('proxy', plan.served),
    allInOne(proxy, plan.start, plan.workers, 'package'),
  ].join('\n')
}

/** The same for the examples of this project, from its checkout. The proxies' files are those of the stack that `STACK` names. */
export function checkoutDockerfile(app: string): string {
  const files = 'docker/${STACK}/proxy'
  return [
    bases('docker build -f docker/Dockerfile --target application . (or nginx, apache or all-in-one), where package.json is', [
      'nginx',
      'apache',
    ]),
    DEPENDENCIES.checkout,
    application([app, '--bind', `0.0.0.0:${WORKER_PORT}`], 'checkout'),
    nginx(files),
    apache(files),
    allInOne('nginx', [app], 2, 'checkout'),
  ].join('\n')
}

function bases(how: string, proxies: readonly Proxy[]): string {
  const images = proxies.map((proxy) => `ARG ${BASES[proxy].join('=')}`)
  return `# Images: ${how}.
ARG NODE_IMAGE=node:22-bookworm-slim
${images.join('\n')}
`
}

const DEPENDENCIES = {
  package: `# What the application needs, tsgi among it: npm install tsgi
FROM \${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json *.tgz ./
RUN npm ci --omit=dev
`,
  checkout: `# tsgi itself, built, without what only building needs.
FROM \${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc tsconfig.json tsconfig.build.json ./
RUN npm ci --ignore-scripts
COPY src src
RUN npm run build && npm prune --omit=dev --ignore-scripts
`,
} as const

function application(command: readonly string[], source: ImageSource): string {
  const copies =
    source === 'package'
      ? 'COPY --from=dependencies /app/node_modules node_modules\nCOPY . .'
      : 'COPY --from=dependencies /app/node_modules node_modules\nCOPY --from=dependencies /app/dist dist\nCOPY package.json ./\nCOPY examples examples'
  return `# The application alone, for a proxy that is somewhere else.
FROM \${NODE_IMAGE} AS application
WORKDIR /app
${copies}
# The proxy's container opens the socket by its group, which is the same there.
RUN mkdir -p ${SOCKET_DIRECTORY} && chown ${USER_ID}:${USER_ID} ${SOCKET_DIRECTORY} && chmod 770 ${SOCKET_DIRECTORY}
ENV NODE_ENV=production TSGI_CONTROL_SOCKET=${CONTROL_SOCKET}
USER ${USER_ID}:${USER_ID}
EXPOSE 9000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --retries=3 CMD ${JSON.stringify(healthCommand(source))}
ENTRYPOINT ${JSON.stringify(['node', TSGI[source], 'serve'])}
CMD ${JSON.stringify(command)}
`
}

/** Asks the master. Its own control socket, so that nothing of the application is needed. */
export function healthCommand(source: ImageSource): string[] {
  return ['node', TSGI[source], 'ctl', '--socket', CONTROL_SOCKET, 'status']
}

function nginx(files: string, served: readonly ServedPath[] = []): string {
  return `# The proxy alone. nginx.conf is about the container, app.conf about the site.
FROM \${NGINX_IMAGE} AS nginx
${stackArgument(files)}${main(files, 'nginx.conf', '/etc/nginx')}
COPY ${files}/app.conf /etc/nginx/conf.d/default.conf
${copies(served)}RUN mkdir -p ${SOCKET_DIRECTORY} && chown ${USER_ID}:${USER_ID} ${SOCKET_DIRECTORY} && chmod 770 ${SOCKET_DIRECTORY}
USER ${USER_ID}:${USER_ID}
EXPOSE 8080 8443
# Requests in flight are finished.
STOPSIGNAL SIGQUIT
ENTRYPOINT ["nginx", "-e", "/dev/stderr", "-g", "daemon off;"]
CMD []
`
}

function apache(files: string, served: readonly ServedPath[] = []): string {
  return `# The proxy alone. httpd.conf is about the container, app.conf about the site.
FROM \${APACHE_IMAGE} AS apache
${stackArgument(files)}${main(files, 'httpd.conf', '/usr/local/apache2/conf')}
COPY ${files}/app.conf /usr/local/apache2/conf/app.conf
${copies(served)}RUN mkdir -p ${SOCKET_DIRECTORY} && chown ${USER_ID}:${USER_ID} ${SOCKET_DIRECTORY} && chmod 770 ${SOCKET_DIRECTORY}
USER ${USER_ID}:${USER_ID}
EXPOSE 8080 8443
# Requests in flight are finished.
STOPSIGNAL SIGWINCH
ENTRYPOINT ["httpd", "-DFOREGROUND"]
CMD []
`
}

/** What the proxy serves itself. A name may have spaces. */
function copies(served: readonly ServedPath[]): string {
  return served.map(({ from, to }) => `COPY ${JSON.stringify([from, to])}\n`).join('')
}

/** A variable of the build is known only below the line that asks for it. */
function stackArgument(files: string): string {
  return files.includes('${STACK}') ? 'ARG STACK=nginx-socket\n' : ''
}

/** Builders other than BuildKit build every image on the way to theirs: one of the two proxies has no such file in the stack. */
function main(files: string, name: string, directory: string): string {
  if (!files.includes('${STACK}')) return `COPY ${files}/${name} ${directory}/${name}`
  return `COPY ${files}/${name.slice(0, -1)}[${name.slice(-1)}] ${files}/app.conf ${directory}/`
}

function allInOne(proxy: Proxy, application: readonly string[], workers: number, source: ImageSource): string {
  const launcher = TSGI[source].replace('tsgi.js', 'tsgi-express.js')
  const install = proxy === 'nginx' ? 'nginx' : 'apache2'
  const start = [
    ...application,
    '--host',
    '0.0.0.0',
    '--port',
    '8080',
    '--server-type',
    proxy,
    '--processes',
    String(workers),
    '--log-to-terminal',
  ]
  return `# Application and proxy in one: tsgi-express is process 1.
FROM application AS all-in-one
USER 0
RUN apt-get update -q && apt-get install -q -y --no-install-recommends ${install} && rm -rf /var/lib/apt/lists/*
USER ${USER_ID}:${USER_ID}
EXPOSE 8080
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s --retries=3 CMD ${JSON.stringify(healthCommand(source))}
ENTRYPOINT ${JSON.stringify(['node', launcher, 'start-server'])}
CMD ${JSON.stringify(start)}
`
}

/** What an image has no use for, and secrets that belong in none. */
export function dockerIgnore(): string {
  return `node_modules
.git
.env*
*.pem
*.key
proxy-data
Dockerfile
compose*.yaml
`
}
