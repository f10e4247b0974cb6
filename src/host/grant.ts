import type { Grant, Provider } from 'oidc-provider'

/** The person and the app of a grant. */
export interface Parties {
  readonly accountId: string
  readonly clientId: string
}

/** The permissions that a person gives to an app. */
export interface Permissions {
  readonly scopes?: readonly string[] | undefined
  readonly claims?: readonly string[] | undefined
  /** The scopes at each resource server, by its indicator (RFC 8707). */
  readonly resources?: Readonly<{ [indicator: string]: readonly string[] }> | undefined
}

/** A stored grant. Undefined: there is none, it has expired, or it was made in another epoch. */
export async function findGrant(
  provider: Provider,
  id: string | undefined,
): Promise<Grant | undefined> {
  return id === undefined ? undefined : provider.Grant.find(id)
}

/** A grant that gives nothing yet and is not stored. The host chooses its id when it is saved. */
export function newGrant(provider: Provider, parties: Parties): Grant {
  return new provider.Grant({ ...parties })
}

/** A grant as `newGrant` makes it, with an id of ours and a lifetime in seconds. */
export function newGrantNamed(
  provider: Provider,
  parties: Parties,
  { id, seconds }: { readonly id: string; readonly seconds: number },
): Grant {
  return Object.assign(newGrant(provider, parties), { jti: id, expiresIn: seconds })
}

/** Adds permissions to those that a grant has. Answers whether it gives more than before. */
export function give(grant: Grant, { scopes, claims, resources }: Permissions): boolean {
  const before = givenBy(grant)
  if (scopes !== undefined && scopes.length > 0) grant.addOIDCScope(scopes.join(' '))
  grant.addOIDCClaims([...(claims ?? [])])
  for (const [indicator, given] of Object.entries(resources ?? {}))
    grant.addResourceScope(indicator, given.join(' '))
  return givenBy(grant) !== before
}

/** The permissions that a grant gives. */
export function permissionsOf(grant: Grant): Permissions {
  const resources = Object.entries(grant.resources ?? {})
  return {
    scopes: grant.getOIDCScope().split(' ').filter(Boolean),
    claims: grant.getOIDCClaims(),
    resources: Object.fromEntries(
      resources.map(([indicator, scopes]) => [indicator, scopes.split(' ')]),
    ),
  }
}

/**
 * A stored grant that also gives a claim about the sign-in itself. Like `acr` and `amr`, such a claim needs no consent; the
 * host knows its own ones only.
 */
export function withSignInClaim<T extends object>(stored: T, claim: string): T {
  const { openid } = stored as { readonly openid?: { readonly claims?: readonly string[] } }
  if (openid === undefined) return stored
  const claims = [...new Set([...(openid.claims ?? []), claim])]
  return { ...stored, openid: { ...openid, claims } }
}

/** The scopes that a stored grant gives, those at resource servers included. */
export function scopesIn(stored: object): readonly string[] {
  const { openid, resources } = stored as {
    readonly openid?: { readonly scope?: string }
    readonly resources?: Readonly<Record<string, string>>
  }
  return [openid?.scope ?? '', ...Object.values(resources ?? {})]
    .flatMap((scopes) => scopes.split(' '))
    .filter(Boolean)
}

/**
 * Ends a grant and everything that was issued under it. It destroys the grant itself too: a token that a request in
 * flight stores afterwards has no grant, so it counts nowhere.
 */
export async function endGrant(provider: Provider, grantId: string): Promise<void> {
  await provider.Grant.adapter.destroy(grantId)
  const { AccessToken, RefreshToken, AuthorizationCode, DeviceCode } = provider
  const issued = [AccessToken, RefreshToken, AuthorizationCode, DeviceCode]
  await Promise.all(issued.map((model) => model.revokeByGrantId(grantId)))
}

function givenBy({ openid, resources, rejected }: Grant): string {
  return JSON.stringify([openid, resources, rejected])
}
