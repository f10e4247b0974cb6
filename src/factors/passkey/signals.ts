import type { JsonObject } from '../../domain/json.ts'
import type { Owned, PageAbout } from '../factor.ts'
import type { Site } from './options.ts'
import type { PasskeyState } from './state.ts'

/**
 * The values for the signals of WebAuthn Level 3, 5.1.10: a store of passkeys removes those that are not listed, and shows
 * the name of today. An account has several user handles where passkeys were imported. `handles`: those that removed
 * passkeys had; one that no passkey of today has gets an empty list, so that the store keeps nothing under it.
 */
export function signals(
  { rpId }: Pick<Site, 'rpId'>,
  states: readonly Owned<PasskeyState>[],
  { label, handles }: Pick<PageAbout, 'label'> & { readonly handles: readonly string[] },
): JsonObject {
  const owned = states.map(({ state }) => state)
  const userIds = new Set([...owned.map(({ userHandle }) => userHandle), ...handles])
  return {
    rpId,
    name: label,
    users: [...userIds].map((userId) => ({
      userId,
      ids: owned.filter(({ userHandle }) => userHandle === userId).map(({ id }) => id),
    })),
  }
}
