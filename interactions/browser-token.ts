import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { DAY_SECONDS } from '../src/domain/time.ts'
import { readCookie, setCookie } from '../src/http/cookies.ts'
import type { Random } from '../src/ports/services.ts'

const COOKIE = 'mfa_browser'
/** R4: 128 bits. */
const TOKEN_BYTES = 16
/** People who share a browser: each has a token of their own in one cookie. */
const MOST_TOKENS = 5
const KEPT_SECONDS = 400 * DAY_SECONDS

/** The tokens by which accounts know this browser. None of them says which account it belongs to. */
export interface BrowserTokens {
  readonly shown: readonly string[]
  /** What this account will know the browser by, should the sign-in complete. */
  readonly fresh: string
}

export function readBrowserTokens(
  request: IncomingMessage,
  issuer: string,
  random: Random,
): BrowserTokens {
  const value = readCookie(request.headers.cookie, COOKIE, { issuer, path: '/' }) ?? ''
  const shown = value.split('.').filter((token) => /^[\w-]{22}$/.test(token))
  return {
    shown: shown.slice(0, MOST_TOKENS),
    fresh: Buffer.from(random.bytes(TOKEN_BYTES)).toString('base64url'),
  }
}

/**
 * How the record knows a token: hashed, and bound to the account. A fresh token is made at each first sign-in,
 * so that one planted in a victim's browser never becomes the victim's.
 */
export function hashBrowserToken(accountId: string, token: string): string {
  return createHash('sha256')
    .update(JSON.stringify([accountId, token]))
    .digest('base64url')
}

/** After a completed sign-in in a browser that the account did not know. */
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
