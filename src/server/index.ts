/**
 * The complete server as a part of a program of your own (`oidc-provider-mfa/server`): what `oidc-provider-mfa serve`
 * does, from code. `loadConfig()` reads the environment, `serve` listens until `stop()`.
 */
export { loadConfig } from '../../config/load.ts'
export { ConfigError, type Config, type Fault } from '../../config/environment.ts'
export { serve, type Running, type ServeOptions } from './boot/serve.ts'
