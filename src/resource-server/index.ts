/**
 * `oidc-provider-mfa/resource-server`: an API asks for the assurance that a request needs (RFC 9470).
 *
 * It works with the access tokens of any OpenID provider. It loads nothing else of the package: neither Koa nor Express
 * nor `oidc-provider` has to be installed.
 *
 *     import { resourceServer } from 'oidc-provider-mfa/resource-server'
 *     const api = resourceServer({ issuer: 'https://id.example.com', audience: 'https://api.example.com' })
 *     router.post('/transfer', api.koa({ acr: MULTI_FACTOR_ACR, maxAgeSeconds: 300 }), transfer)
 */
export { assertAssurance, AssuranceError, type AssuranceCode } from './assurance.ts'
export type { Claims } from './claims.ts'
export type { IntrospectionOptions, ResourceServerOptions } from './options.ts'
export type { Requirement } from './requirement.ts'
export {
  resourceServer,
  type Checked,
  type ExpressMiddleware,
  type KoaMiddleware,
  type ResourceServer,
} from './resource-server.ts'
export type { Reason } from './refusal.ts'
