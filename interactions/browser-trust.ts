import type { IncomingMessage, ServerResponse } from 'node:http'
import { LONGEST_TRUST_SECONDS, type ShownTrust } from '../src/domain/trusted-browser.ts'
import { readCookie, setCookie } from '../src/http/cookies.ts'
import type { Macs } from '../src/http/csrf.ts'
import { hashBrowserToken } from './browser-token.ts'

const COOKIE = 'mfa_trust'
/** The most tokens in the cookie. Each person who shares the browser has a token of their own in it. */
const MOST_TOKENS = 5
const ID_LENGTH = 22
const TOKEN = /^([\w-]{22})\.[\w-]{43}$/

/** The tokens of trusted browsers that the browser has sent (R14). None of them says which account it belongs to. */
export function readTrustTokens(request: IncomingMessage, issuer: string): readonly string[] {
  const value = readCookie(request.headers.cookie, COOKIE, { issuer, path: '/' }) ?? ''
  return value
    .split('~')
    .filter((token) => TOKEN.test(token))
    .slice(0, MOST_TOKENS)
}

/** The tokens as the record of this account would know them. */
export function shownTrusts(accountId: string, tokens: readonly string[]): readonly ShownTrust[] {
  return tokens.map((token) => ({
    id: token.slice(0, ID_LENGTH),
    tokenHash: hashBrowserToken(accountId, token),
  }))
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

/** Sets the cookie, in which the token takes the place of an earlier one of the same trust. */
export function keepTrustToken(
  response: ServerResponse,
  issuer: string,
  token: string,
  shown: readonly string[],
): void {
  const others = shown.filter((one) => one.slice(0, ID_LENGTH) !== token.slice(0, ID_LENGTH))
  const value = [token, ...others].slice(0, MOST_TOKENS).join('~')
  setCookie(
    response,
    COOKIE,
    value,
    { issuer, path: '/' },
    { maxAgeSeconds: LONGEST_TRUST_SECONDS },
  )
}
