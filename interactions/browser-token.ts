import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { DAY_SECONDS } from '../src/domain/time.ts'
import { readCookie, setCookie } from '../src/http/cookies.ts'
import type { Macs } from '../src/http/csrf.ts'

const COOKIE = 'mfa_browser'
/** R4: at least 128 bits, in base64url. */
const TOKEN_LENGTH = 22
/** The most tokens in the cookie. Each person who shares the browser has a token of their own in it. */
const MOST_TOKENS = 5
const KEPT_SECONDS = 400 * DAY_SECONDS

/** The tokens by which accounts know this browser. None of them says which account it belongs to. */
export interface BrowserTokens {
  readonly shown: readonly string[]
  /** The token by which this account will know the browser if the sign-in completes. */
  readonly fresh: string
}

/** The tokens that the browser has sent. */
export function readBrowserTokens(request: IncomingMessage, issuer: string): readonly string[] {
  const value = readCookie(request.headers.cookie, COOKIE, { issuer, path: '/' }) ?? ''
  const shown = value.split('.').filter((token) => /^[\w-]{22}$/.test(token))
  return shown.slice(0, MOST_TOKENS)
}

/**
 * A token made of the account and the interaction under our keys. It is therefore the same on every page of a sign-in
 * and for both requests of a double tap: one request often stores its hash, and another one sets the cookie.
 */
export function freshBrowserToken(macs: Macs, accountId: string, interaction: string): string {
  const token = macs.mac('browser-token', JSON.stringify([accountId, interaction]))
  return token.slice(0, TOKEN_LENGTH)
}

/**
 * The form in which a record stores a token: hashed, and bound to the account. A fresh token is made at each first
 * sign-in, so that a token that an attacker plants in a victim's browser never becomes the victim's.
 */
export function hashBrowserToken(accountId: string, token: string): string {
  return createHash('sha256')
    .update(JSON.stringify([accountId, token]))
    .digest('base64url')
}

/** Sets the cookie after a completed sign-in in a browser that the account did not know. */
export function keepBrowserToken(
  response: ServerResponse,
  issuer: string,
  { shown, fresh }: BrowserTokens,
): void {
  const tokens = [fresh, ...shown].slice(0, MOST_TOKENS)
  setCookie(
    response,
    COOKIE,
    tokens.join('.'),
    { issuer, path: '/' },
    { maxAgeSeconds: KEPT_SECONDS },
  )
}
