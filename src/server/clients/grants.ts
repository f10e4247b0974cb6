import type { Grant, KoaContextWithOIDC, Provider } from 'oidc-provider'
import { DAY_SECONDS } from '../../domain/time.ts'
import type { SecretBox } from '../../ports/services.ts'
import {
  endGrant,
  findGrant,
  give,
  newGrant,
  newGrantNamed,
  permissionsOf,
  type Parties,
} from '../../host/grant.ts'

/** After this time the person is asked for consent once more. */
const REMEMBERED_SECONDS = 365 * DAY_SECONDS

/**
 * The grant for the host's present request. An app of the service's own (`first_party`) gets what it asks for without
 * a consent page. Every other app gets what this person has allowed it, in this session or before.
 *
 * No grant is made while nobody is signed in: before the last factor the session has no account.
 */
export async function existingGrant(
  ctx: KoaContextWithOIDC,
  box: Names,
): Promise<Grant | undefined> {
  const { client, session, provider } = ctx.oidc
  const accountId = session?.accountId
  if (client === undefined || session === undefined || accountId === undefined) return undefined

  const parties = { accountId, clientId: client.clientId }
  const grantId = ctx.oidc.result?.consent?.grantId ?? session.grantIdFor(client.clientId)
  const found = await findGrant(provider, grantId)
  const existing = found?.accountId === accountId ? found : undefined
  if (client['first_party'] !== true)
    return existing ?? (await rememberedGrant(provider, box, parties))

  const grant = existing ?? newGrant(provider, parties)
  const givesMore = give(grant, {
    scopes: [...ctx.oidc.requestParamOIDCScopes],
    claims: [...ctx.oidc.requestParamClaims],
    resources: requestedResources(ctx),
  })
  // The grant is saved only when the app asks for more than it had, so that single sign-on only reads.
  if (existing === undefined || givesMore) await grant.save()
  return grant
}

/** The scopes that the request asks for at each API, by its resource indicator. */
function requestedResources({ oidc }: KoaContextWithOIDC): Record<string, readonly string[]> {
  const asked = [...oidc.requestParamScopes]
  return Object.fromEntries(
    Object.entries(oidc.resourceServers ?? {}).map(([indicator, { scopes }]) => [
      indicator,
      asked.filter((scope) => scopes.has(scope)),
    ]),
  )
}

/**
 * Remembers what a person has just allowed an app, so that the next sign-in does not ask again. This record is
 * separate from the session's grant, which ends with the session and revokes that session's tokens; no token belongs
 * to this record. Like every grant it is valid only in the epoch in which it was made (R20).
 */
export async function rememberConsent(
  provider: Provider,
  box: Names,
  { given, parties }: { readonly given: Grant; readonly parties: Parties },
): Promise<void> {
  const [id] = memoryIds(box, parties)
  const before = await memoryOf(provider, box, parties)
  const memory = newGrantNamed(provider, parties, { id, seconds: REMEMBERED_SECONDS })
  if (before !== undefined) give(memory, permissionsOf(before))
  give(memory, permissionsOf(given))
  await memory.save()
}

/** Forgets what a person has allowed an app. */
export async function forgetConsent(
  provider: Provider,
  box: Names,
  parties: Parties,
): Promise<void> {
  await Promise.all(memoryIds(box, parties).map((id) => endGrant(provider, id)))
}

/** Makes a grant for this session with what the person has allowed in an earlier one. */
async function rememberedGrant(
  provider: Provider,
  box: Names,
  parties: Parties,
): Promise<Grant | undefined> {
  const memory = await memoryOf(provider, box, parties)
  if (memory === undefined) return undefined
  const grant = newGrant(provider, parties)
  give(grant, permissionsOf(memory))
  await grant.save()
  return grant
}

async function memoryOf(
  provider: Provider,
  box: Names,
  parties: Parties,
): Promise<Grant | undefined> {
  for (const id of memoryIds(box, parties)) {
    const memory = await findGrant(provider, id)
    if (memory !== undefined) return memory
  }
  return undefined
}

/**
 * The ids that the record of one person and one app may have, one for each encryption key; that of the newest comes
 * first. Without a key nobody can compute one: the id opens the record, and a copy of the database has the ids of
 * accounts and of apps (R39).
 */
function memoryIds(box: Names, { accountId, clientId }: Parties): readonly [string, ...string[]] {
  return box.macs('consent', JSON.stringify([accountId, clientId]))
}

type Names = Pick<SecretBox, 'macs'>
