import { isObject, type Claims, type Reading } from './claims.ts'
import { SKEW_SECONDS } from './clock.ts'
import { fetchJson, Unavailable } from './fetch-json.ts'
import type { IntrospectionOptions, ParsedOptions } from './options.ts'
import type { TokenReason } from './refusal.ts'

/**
 * Asks the provider about a token (RFC 7662). The answer is not kept: a token that has ended is refused from the next
 * request on.
 */
export async function introspect(
  token: string,
  introspection: IntrospectionOptions,
  options: ParsedOptions,
): Promise<Reading<TokenReason>> {
  try {
    const { status, body } = await fetchJson({
      url: introspection.endpoint,
      timeoutMs: options.timeoutMs,
      headers: { Authorization: basic(introspection) },
      form: { token, token_type_hint: 'access_token' },
    })
    // 401 too: then this API has the wrong secret, and knows nothing of the token.
    if (status !== 200)
      return {
        kind: 'away',
        cause: new Unavailable(`The introspection endpoint answered ${status}`),
      }
    if (!isObject(body) || typeof body['active'] !== 'boolean')
      return { kind: 'away', cause: new Unavailable('The introspection has no member active') }
    const reason = refusalOf(body, options)
    return reason === undefined ? { kind: 'accepted', claims: body } : { kind: 'refused', reason }
  } catch (error) {
    return { kind: 'away', cause: error }
  }
}

/**
 * `aud` and `exp` are required, as in a JWT: an endpoint may also know refresh tokens, and tokens for other APIs. `iss`
 * may be absent (RFC 7662, 2.2), since the endpoint belongs to the issuer.
 */
function refusalOf(
  claims: Claims,
  { issuer, audience, clock }: ParsedOptions,
): TokenReason | undefined {
  const { active, aud, exp, iss, nbf, token_type: type } = claims
  const now = clock.now()
  if (active !== true) return 'inactive'
  if (iss !== undefined && iss !== issuer) return 'issuer'
  if (![aud].flat().includes(audience)) return 'audience'
  if (typeof exp !== 'number' || exp <= now) return 'expired'
  if (nbf !== undefined && !(typeof nbf === 'number' && nbf <= now + SKEW_SECONDS))
    return 'not-yet-valid'
  if (type !== undefined && !(typeof type === 'string' && /^bearer$/i.test(type)))
    return 'key-bound'
  return undefined
}

/** Id and secret are form-encoded before they are joined (RFC 6749, 2.3.1): a colon in the id would divide it. */
function basic({ clientId, clientSecret }: IntrospectionOptions): string {
  const pair = `${formEncoded(clientId)}:${formEncoded(clientSecret)}`
  return `Basic ${Buffer.from(pair).toString('base64')}`
}

function formEncoded(value: string): string {
  return new URLSearchParams({ '': value }).toString().slice(1)
}
