import type { IncomingMessage, ServerResponse } from 'node:http'
import { assertParsed, AssuranceError } from './assurance.ts'
import type { Claims, Reading } from './claims.ts'
import { introspect } from './introspection.ts'
import { isJwt, readJwt } from './jwt.ts'
import { Keys } from './keys.ts'
import { parseOptions, type ParsedOptions, type ResourceServerOptions } from './options.ts'
import {
  insufficient,
  invalidToken,
  noToken,
  providerAway,
  type Refusal,
  type TokenReason,
} from './refusal.ts'
import { parseRequirement, type ParsedRequirement, type Requirement } from './requirement.ts'

/** The claims of a request that may pass, or the answer to one that may not. */
export type Checked = { readonly ok: true; readonly claims: Claims } | Refusal

/** The parts of a Koa context that the middleware uses. */
interface KoaContext {
  readonly headers: { readonly authorization?: string | undefined }
  status: number
  state: Record<string, unknown>
  set(headers: Record<string, string>): void
}

/** Puts the claims of the token into `ctx.state.token`, or answers. */
export type KoaMiddleware = (ctx: KoaContext, next: () => Promise<unknown>) => Promise<void>

/** Puts the claims of the token into `request.auth`, or answers. It fits every server on `node:http`. */
export type ExpressMiddleware = (
  request: IncomingMessage,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void

export interface ResourceServer {
  /** A middleware of Koa. Throws `options-invalid` for a requirement with a fault. */
  koa(requirement?: Requirement): KoaMiddleware
  /** A middleware of Express. Throws `options-invalid` for a requirement with a fault. */
  express(requirement?: Requirement): ExpressMiddleware
  /**
   * Examines the value of an `Authorization` header; undefined: the request has none. Rejects with `options-invalid` for
   * a requirement with a fault, and with nothing else.
   */
  check(authorization: string | undefined, requirement?: Requirement): Promise<Checked>
}

/**
 * Makes the protection of one API. It asks the provider for nothing before the first token arrives, so the two may
 * start in any order. Throws `options-invalid` with every fault.
 */
export function resourceServer(options: ResourceServerOptions): ResourceServer {
  const parsed = parseOptions(options)
  const keys = new Keys(parsed)
  const check = (authorization: string | undefined, requirement: ParsedRequirement) =>
    checkRequest(authorization, requirement, keys, parsed)
  return {
    koa(requirement) {
      const required = parseRequirement(requirement)
      return async (ctx, next) => {
        const checked = await check(ctx.headers.authorization, required)
        if (checked.ok) {
          ctx.state['token'] = checked.claims
          await next()
          return
        }
        ctx.status = checked.status
        ctx.set({ ...checked.headers })
      }
    },
    express(requirement) {
      const required = parseRequirement(requirement)
      return (request, response, next) => {
        void check(request.headers.authorization, required).then((checked) => {
          if (checked.ok) {
            Object.assign(request, { auth: checked.claims })
            next()
            return
          }
          response.writeHead(checked.status, checked.headers).end()
        }, next)
      }
    },
    async check(authorization, requirement) {
      return check(authorization, parseRequirement(requirement))
    },
  }
}

async function checkRequest(
  authorization: string | undefined,
  requirement: ParsedRequirement,
  keys: Keys,
  options: ParsedOptions,
): Promise<Checked> {
  const { realm, clock } = options
  // Another scheme counts as no token (RFC 6750, 3.1), DPoP included: nobody here examines its proof.
  const [, given] = /^Bearer(?: +(.*))?$/i.exec(authorization ?? '') ?? []
  if (given === undefined) return noToken(realm)
  const reading = await readToken(given, keys, options)
  if (reading.kind === 'away') return providerAway(reading.cause)
  if (reading.kind === 'refused') return invalidToken(reading.reason, realm)
  const { claims } = reading
  // Without its proof, a token that is bound to a key may come from a thief (RFC 9449, 7.1).
  if (claims['cnf'] !== undefined) return invalidToken('key-bound', realm)
  try {
    assertParsed(claims, requirement, clock.now())
  } catch (error) {
    if (!(error instanceof AssuranceError)) throw error
    return insufficient(error.code, requirement, realm)
  }
  return { ok: true, claims }
}

async function readToken(
  token: string,
  keys: Keys,
  options: ParsedOptions,
): Promise<Reading<TokenReason>> {
  // The characters of a token (RFC 6750, 2.1).
  if (!/^[\w.~+/-]+=*$/.test(token)) return { kind: 'refused', reason: 'token-malformed' }
  if (isJwt(token)) return readJwt(token, keys, options)
  if (options.introspection !== undefined) return introspect(token, options.introspection, options)
  return { kind: 'refused', reason: 'token-malformed' }
}
