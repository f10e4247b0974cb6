import type { Notice } from '../../index.ts'
import { shownNetwork } from '../../domain/shown-network.ts'
import type { AccountEvent } from '../../ports/accounts.ts'

/** The server's own events of which the owner of the account is told, each with the template of its mail. */
const TEMPLATES: Readonly<Record<string, string>> = {
  'password-changed': 'password-changed',
  'email-changed': 'email-changed',
  'address-added': 'address-added',
  'address-removed': 'address-removed',
}

/** The notice of an event of the server's own; undefined: the owner is not told of it. */
export function accountNotice({
  id,
  type,
  at,
  detail,
}: Omit<AccountEvent, 'to'>): Notice | undefined {
  // An invitation sets the first password, which replaces none.
  const template =
    type === 'password-set' && detail.reason === 'reset' ? 'password-changed' : TEMPLATES[type]
  if (template === undefined) return undefined
  const { userAgent: browser, ip } = detail
  const place = ip === undefined ? undefined : shownNetwork(ip)
  return {
    id,
    template,
    values: {
      at: String(at),
      ...(browser === undefined ? {} : { browser }),
      ...(place === undefined ? {} : { place }),
    },
  }
}
