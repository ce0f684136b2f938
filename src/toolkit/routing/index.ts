export { ConverterArguments } from './converter-arguments.ts'
export type { ConverterArgument } from './converter-arguments.ts'
export {
  AnyConverter,
  BaseConverter,
  FloatConverter,
  IntegerConverter,
  PathConverter,
  StringConverter,
  UuidConverter,
  ValidationError,
} from './converters.ts'
export type { ConverterClass } from './converters.ts'
export type { BuildOptions } from './build-url.ts'
export { MapAdapter } from './map-adapter.ts'
export type { Binding, MatchOptions, RuleMatch } from './map-adapter.ts'
export { RouteMap as Map } from './route-map.ts'
export type { BindOptions } from './route-map.ts'
export type { MapOptions } from './rule-index.ts'
export type { RouteOptions } from './route-application.ts'
export { BuildError, RequestRedirect, WebsocketMismatch } from './routing-exceptions.ts'
export { Rule } from './rule.ts'
export type { AnyRule, Endpoint, RedirectTarget, RouteHandler, RuleOptions, RuleSource } from './rule.ts'
export { EndpointPrefix, RuleTemplate, Subdomain, Submount } from './rule-sources.ts'
export type { EndpointOf } from './rule-sources.ts'
export type { ConverterTypes, RuleValues } from './rule-values.ts'
