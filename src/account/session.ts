import type { IncomingMessage, ServerResponse } from 'node:http'
import { MINUTE_SECONDS, type Instant } from '../domain/time.ts'
import { clearCookie, readCookie, setCookie, type CookieScope } from '../http/cookies.ts'
import type { PendingSignIn, SignedIn } from './sign-in.ts'

/** The page leads to changes of factors, so its session is short. After it the provider is asked again. */
export const CONSOLE_SECONDS = 15 * MINUTE_SECONDS
/** The longest time that a person may spend on the provider's pages. */
const PENDING_SECONDS = 60 * MINUTE_SECONDS

const SESSION = 'account'
const PENDING = 'account_sign_in'

/** Seals text that a browser keeps and can neither read nor forge. */
export interface Sealing {
  seal(text: string, purpose: string): string
  /** Throws for a text that was not sealed for this purpose. */
  open(sealed: string, purpose: string): string
}

/** The session of a person on the account page. `id` binds the page's forms to it. */
export interface ConsoleSession extends SignedIn {
  readonly id: string
  readonly until: Instant
}

/** The two cookies of the account page. All state is in them: any node of the server can answer. */
export class ConsoleSessions {
  readonly #issuer: string
  readonly #path: string
  readonly #sealing: Sealing

  constructor(issuer: string, path: string, sealing: Sealing) {
    this.#issuer = issuer
    this.#path = path
    this.#sealing = sealing
  }

  read(request: IncomingMessage, now: Instant): ConsoleSession | undefined {
    const session = this.#open(request, SESSION) as ConsoleSession | undefined
    return session !== undefined && now < session.until ? session : undefined
  }

  keep(response: ServerResponse, session: ConsoleSession): void {
    this.#set(response, SESSION, session, CONSOLE_SECONDS)
  }

  /** Begins a sign-in. A browser has one at a time: a new one replaces it. */
  begin(response: ServerResponse, pending: PendingSignIn): void {
    this.#set(response, PENDING, pending, PENDING_SECONDS)
  }

  /** Returns the sign-in that the browser has begun, and removes it. */
  take(request: IncomingMessage, response: ServerResponse): PendingSignIn | undefined {
    const pending = this.#open(request, PENDING) as PendingSignIn | undefined
    clearCookie(response, PENDING, this.#scope(PENDING))
    return pending
  }

  #set(response: ServerResponse, name: string, value: object, maxAgeSeconds: number): void {
    const sealed = this.#sealing.seal(JSON.stringify(value), name)
    setCookie(response, name, sealed, this.#scope(name), { maxAgeSeconds })
  }

  /** Undefined for a value that does not open: it was sealed with another key, for another cookie, or forged. */
  #open(request: IncomingMessage, name: string): unknown {
    const sealed = readCookie(request.headers.cookie, name, this.#scope(name))
    if (sealed === undefined) return undefined
    try {
      return JSON.parse(this.#sealing.open(sealed, name)) as unknown
    } catch {
      return undefined
    }
  }

  /** The session is for the whole host, which is what the `__Host-` prefix asks for. */
  #scope(name: string): CookieScope {
    return { issuer: this.#issuer, path: name === SESSION ? '/' : this.#path }
  }
}
