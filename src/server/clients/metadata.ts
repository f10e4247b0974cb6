import { errors } from 'oidc-provider'
import type { Configuration } from 'oidc-provider'
import type { Level } from '../../index.ts'
import { faultOfMfa } from './mfa-metadata.ts'

/**
 * The client metadata in addition to the standard's (RFC 7591, OpenID Registration).
 *
 * `first_party`: an app of the service's own, so nobody is asked for consent.
 *
 * `mfa`: `required` asks everybody who signs in to the app for a second factor; `{ require, maxAgeSeconds }` asks for a
 * level, and for how new its proof must be. Only an administrator sets it.
 *
 * `require_pkce`: false for a confidential client that cannot do PKCE.
 *
 * `accent`, `accent_ink`: colours of the app's sign-in pages.
 */
export const OWN_METADATA = ['first_party', 'mfa', 'require_pkce', 'accent', 'accent_ink'] as const

/** The meaning of a missing member. A colour has none: the page keeps its own. */
export const OWN_DEFAULTS = { first_party: false, mfa: 'optional', require_pkce: true } as const

const COLOUR = /^#[0-9a-f]{6}$/i

/**
 * `levels`: those that can be reached. The host calls the validator in its own check of every client and does not wait for a promise. An unfit value must
 * be refused, not ignored: a misspelt policy would have no effect.
 */
export function extraClientMetadata(levels: readonly Level[]) {
  return {
    properties: [...OWN_METADATA],
    validator(_ctx, key, value, metadata) {
      if (value === undefined) return
      const problem = judge(key, value, { metadata, levels })
      if (problem !== undefined) throw new errors.InvalidClientMetadata(`${key} ${problem}`)
    },
  } satisfies Configuration['extraClientMetadata']
}

interface Beside {
  readonly metadata: { readonly token_endpoint_auth_method?: unknown }
  readonly levels: readonly Level[]
}

function judge(key: string, value: unknown, { metadata, levels }: Beside): string | undefined {
  switch (key as (typeof OWN_METADATA)[number]) {
    case 'first_party':
      return typeof value === 'boolean' ? undefined : 'must be a boolean'
    case 'mfa':
      return faultOfMfa(value, levels)
    case 'require_pkce':
      if (typeof value !== 'boolean') return 'must be a boolean'
      // A public client has nothing else that binds a code to it (RFC 9700 2.1.1).
      return !value && metadata.token_endpoint_auth_method === 'none'
        ? 'must not be false for a client without a secret'
        : undefined
    case 'accent':
    case 'accent_ink':
      return typeof value === 'string' && COLOUR.test(value)
        ? undefined
        : 'must be a colour such as #1a5fb4'
  }
}
