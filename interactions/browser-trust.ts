import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  LONGEST_TRUST_SECONDS,
  MOST_TRUSTS_IN_A_BROWSER,
  type ShownTrust,
} from '../src/domain/trusted-browser.ts'
import { clearCookie, cookiesWith, readCookie, setCookie } from '../src/http/cookies.ts'
import type { Macs } from '../src/http/csrf.ts'
import { hashBrowserToken } from './browser-token.ts'

/** Each trust has a cookie of its own: two accounts in two tabs would write over each other's token in a common one. */
const COOKIE = 'mfa_trust_'
/** The most cookies that one response clears, if somebody has planted many. */
const MOST_CLEARED = 50
const ID = /^[\w-]{22}$/
const ID_LENGTH = 22
/** The length of the part of an id that is different in each sign-in; the rest says whether it is one of an account. */
const BEGIN_LENGTH = 11
const TOKEN = /^([\w-]{22})\.[\w-]{43}$/

/**
 * The tokens of trusted browsers that the browser has sent, the newest last (R14). None of them says which account it
 * belongs to.
 */
export function readTrustTokens(request: IncomingMessage, issuer: string): readonly string[] {
  const scope = { issuer, path: '/' }
  return idsIn(request, issuer)
    .slice(-MOST_TRUSTS_IN_A_BROWSER)
    .map((id) => `${id}.${readCookie(request.headers.cookie, COOKIE + id, scope) ?? ''}`)
    .filter((token) => TOKEN.test(token))
}

/** The ids of the trusts in the cookies of a request, the newest last: browsers send the oldest cookie first (RFC 6265 5.4). */
function idsIn({ headers: { cookie } }: IncomingMessage, issuer: string): readonly string[] {
  return cookiesWith(cookie, COOKIE, { issuer, path: '/' })
    .map((name) => name.slice(COOKIE.length))
    .filter((id) => ID.test(id))
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
  id = freshId(macs, accountId, interaction),
): string {
  const secret = macs.mac('browser-trust', JSON.stringify([accountId, interaction, id]))
  return `${id}.${secret.slice(0, 43)}`
}

function freshId(macs: Macs, accountId: string, interaction: string): string {
  const name = macs.mac('browser-trust-id', JSON.stringify([accountId, interaction]))
  const begin = name.slice(0, BEGIN_LENGTH)
  return begin + markOf(macs, accountId, begin)
}

/** The end of an id, by which we, and nobody without our keys, know the ids of an account. */
function markOf(macs: Macs, accountId: string, begin: string): string {
  const mark = macs.mac('browser-trust-account', JSON.stringify([accountId, begin]))
  return mark.slice(0, ID_LENGTH - BEGIN_LENGTH)
}

/** Whether a trust is one of this account, whether or not its record still has it. */
function isOf(macs: Macs, accountId: string, id: string): boolean {
  return id.slice(BEGIN_LENGTH) === markOf(macs, accountId, id.slice(0, BEGIN_LENGTH))
}

/** Sets the cookie of a trust. The browser forgets its oldest ones, if it has too many. */
export function keepTrustToken(
  { request, response }: Exchange,
  issuer: string,
  token: string,
): void {
  const scope = { issuer, path: '/' }
  const id = token.slice(0, ID_LENGTH)
  const others = idsIn(request, issuer).filter((other) => other !== id)
  clear(response, issuer, others.slice(0, 1 - MOST_TRUSTS_IN_A_BROWSER))
  const secret = token.slice(ID_LENGTH + 1)
  setCookie(response, COOKIE + id, secret, scope, { maxAgeSeconds: LONGEST_TRUST_SECONDS })
}

/** A request and its response. */
interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/**
 * Makes the browser forget the cookies of this account's trusts that have ended, and those beyond the most. `standing`: the
 * ids of the trusts that count in it. A cookie that may be another account's stays.
 */
export function clearTrustTokens(
  macs: Macs,
  accountId: string,
  { request, response }: Exchange,
  { issuer, standing }: { readonly issuer: string; readonly standing: readonly string[] },
): void {
  const ids = idsIn(request, issuer)
  const ended = ids
    .slice(-MOST_TRUSTS_IN_A_BROWSER)
    .filter((id) => isOf(macs, accountId, id) && !standing.includes(id))
  clear(response, issuer, [...ids.slice(0, -MOST_TRUSTS_IN_A_BROWSER), ...ended])
}

function clear(response: ServerResponse, issuer: string, ids: readonly string[]): void {
  for (const id of ids.slice(-MOST_CLEARED))
    clearCookie(response, COOKIE + id, { issuer, path: '/' })
}
