export type {
  Application,
  Chunk,
  Environ,
  ErrorStream,
  ExcInfo,
  FileWrapper,
  HeaderPair,
  InputStream,
  Lifespan,
  Middleware,
  ResponseBody,
  StartResponse,
  Upgrade,
  Write,
} from './interface/application.ts'
export { ERROR_CODES, TsgiError } from './interface/errors.ts'
export type { ErrorCode } from './interface/errors.ts'
export type { Logger, LogLevel } from './interface/logger.ts'
export type { FetchApplication, FetchFunction } from './adapters/fetch-application.ts'
export { attach, serve } from './server/serve.ts'
export type { AttachOptions, RunningServer, ServeOptions } from './server/serve.ts'
export { defineConfig } from './settings/define-config.ts'
export type { Config, ConfigExport } from './settings/define-config.ts'
export type { Hooks, ServerInfo, WorkerEnd, WorkerInfo } from './settings/hooks.ts'
