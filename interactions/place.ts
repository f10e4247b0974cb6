import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Place } from '../src/application/verify-factor.ts'
import {
  freshBrowserToken,
  hashBrowserToken,
  readBrowserTokens,
  type BrowserTokens,
} from './browser-token.ts'
import { localeIn, providerOf, type Core } from './core.ts'
import type { Interaction } from '../src/host/interaction.ts'
import type { Subject } from './result.ts'

const LONGEST_USER_AGENT = 256

/**
 * The name of an interaction in the record: a hash of its id. The id is a cookie and a part of an address, which a copy
 * of the database must not give away (R39).
 */
export function recordedName({ uid }: Pick<Interaction, 'uid'>): string {
  return createHash('sha256')
    .update(JSON.stringify(['interaction', uid]))
    .digest('base64url')
}

/**
 * The place of an attempt: its account, interaction, epoch and browser, with the details that events report. `language`:
 * that of the person's choice.
 */
export function placeOf(
  core: Core,
  request: IncomingMessage & { ip?: string },
  interaction: Interaction,
  subject: Subject,
  ip: string | undefined,
  language?: string,
): { readonly place: Place; readonly tokens: BrowserTokens } {
  const { accountId } = subject
  const tokens = {
    shown: readBrowserTokens(request, providerOf(core).issuer),
    fresh: freshBrowserToken(core.deps.box, accountId, interaction.uid),
  }
  const userAgent = request.headers['user-agent']?.slice(0, LONGEST_USER_AGENT)
  const { client_id: clientId } = interaction.params
  return {
    tokens,
    place: {
      accountId,
      interaction: recordedName(interaction),
      epoch: subject.epoch,
      tokenHashes: tokens.shown.map((token) => hashBrowserToken(accountId, token)),
      ...(subject.alone === true ? { withoutPassword: true } : {}),
      newTokenHash: hashBrowserToken(accountId, tokens.fresh),
      detail: {
        ...(typeof clientId === 'string' ? { clientId } : {}),
        ...(ip === undefined ? {} : { ip }),
        ...(userAgent === undefined ? {} : { userAgent }),
        locale: localeIn(core, request.headers, interaction.params, language),
        ...(subject.upstream && { upstream: subject.upstream.upstream.issuer }),
      },
    },
  }
}
