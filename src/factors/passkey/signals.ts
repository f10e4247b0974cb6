import type { JsonObject } from '../../domain/json.ts'
import type { Owned, PageAbout } from '../factor.ts'
import type { Site } from './options.ts'
import type { PasskeyState } from './state.ts'

/**
 * The values for the signals of WebAuthn Level 3, 5.1.10: a store of passkeys removes those that are not listed, and shows
 * the name of today. An account has several user handles where passkeys were imported.
 */
export function signals(
  { rpId }: Pick<Site, 'rpId'>,
  states: readonly Owned<PasskeyState>[],
  { label }: Pick<PageAbout, 'label'>,
): JsonObject {
  const byHandle = Map.groupBy(states, ({ state }) => state.userHandle)
  return {
    rpId,
    name: label,
    users: [...byHandle].map(([userId, owned]) => ({
      userId,
      ids: owned.map(({ state }) => state.id),
    })),
  }
}
