/**
 * The complete server as a part of your own program (`oidc-provider-mfa/server`): from code it does what
 * `oidc-provider-mfa serve` does. `loadConfig()` reads the environment; `serve` listens until `stop()`.
 */
export { loadConfig } from '../../config/load.ts'
export { ConfigError, type Config, type Fault } from '../../config/environment.ts'
export { serve, type Running, type ServeOptions } from './boot/serve.ts'
