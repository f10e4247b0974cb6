import type { IncomingMessage, ServerResponse } from 'node:http'
import { LONGEST_TRUST_SECONDS, type ShownTrust } from '../src/domain/trusted-browser.ts'
import { clearCookie, cookiesWith, readCookie, setCookie } from '../src/http/cookies.ts'
import type { Macs } from '../src/http/csrf.ts'
import { hashBrowserToken } from './browser-token.ts'

/** Each trust has a cookie of its own: two accounts in two tabs would write over each other's token in a common one. */
const COOKIE = 'mfa_trust_'
/** The most cookies. Each person who shares the browser has at least one. */
const MOST_TOKENS = 5
const ID_LENGTH = 22
const TOKEN = /^([\w-]{22})\.[\w-]{43}$/

/**
 * The tokens of trusted browsers that the browser has sent, the newest last (R14). None of them says which account it
 * belongs to.
 */
export function readTrustTokens(request: IncomingMessage, issuer: string): readonly string[] {
  const scope = { issuer, path: '/' }
  const { cookie } = request.headers
  return cookiesWith(cookie, COOKIE, scope)
    .map((name) => `${name.slice(COOKIE.length)}.${readCookie(cookie, name, scope) ?? ''}`)
    .filter((token) => TOKEN.test(token))
    .slice(-MOST_TOKENS)
}

/**
 * The tokens as the record of this account would know them. `interaction`: that of the sign-in whose form the browser has
 * sent, which replaces them.
 */
export function shownTrusts(
  macs: Macs,
  accountId: string,
  tokens: readonly string[],
  interaction?: string,
): readonly ShownTrust[] {
  return tokens.map((token) => {
    const id = token.slice(0, ID_LENGTH)
    const shown = { id, tokenHash: hashBrowserToken(accountId, token) }
    if (interaction === undefined) return shown
    const next = freshTrustToken(macs, accountId, interaction, id)
    return { ...shown, nextHash: hashBrowserToken(accountId, next) }
  })
}

/**
 * A token made of the account and the interaction under our keys, as that of a known browser: both requests of a double
 * tap make the same one. `id`: that of the trust whose token it replaces.
 */
export function freshTrustToken(
  macs: Macs,
  accountId: string,
  interaction: string,
  id = macs.mac('browser-trust-id', JSON.stringify([accountId, interaction])).slice(0, ID_LENGTH),
): string {
  const secret = macs.mac('browser-trust', JSON.stringify([accountId, interaction, id]))
  return `${id}.${secret.slice(0, 43)}`
}

/** Sets the cookie of a trust. The browser forgets its oldest ones, if it has too many. */
export function keepTrustToken(
  response: ServerResponse,
  issuer: string,
  token: string,
  shown: readonly string[],
): void {
  const scope = { issuer, path: '/' }
  const id = token.slice(0, ID_LENGTH)
  const others = shown.map((one) => one.slice(0, ID_LENGTH)).filter((other) => other !== id)
  const room = MOST_TOKENS - 1
  for (const old of others.slice(0, Math.max(0, others.length - room)))
    clearCookie(response, COOKIE + old, scope)
  const secret = token.slice(ID_LENGTH + 1)
  setCookie(response, COOKIE + id, secret, scope, { maxAgeSeconds: LONGEST_TRUST_SECONDS })
}
