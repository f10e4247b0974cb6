import type { IncomingMessage, ServerResponse } from 'node:http'
import { MINUTE_SECONDS, type Instant } from '../domain/time.ts'
import { clearCookie, readCookie, setCookie, type CookieScope } from '../http/cookies.ts'
import type { PendingSignIn, SignedIn } from './sign-in.ts'

/** A page that changes what guards the account is not left open for long: then the provider is asked again. */
export const CONSOLE_SECONDS = 15 * MINUTE_SECONDS
/** As long as a person may take on the provider's pages. */
const PENDING_SECONDS = 60 * MINUTE_SECONDS

const SESSION = 'account'
const PENDING = 'account_sign_in'

/** Keeps text in a browser that can neither read nor make it. */
export interface Sealing {
  seal(text: string, purpose: string): string
  /** Throws for what it has not sealed for this purpose. */
  open(sealed: string, purpose: string): string
}

/** Somebody at the account page. `id` binds the page's forms to this session. */
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

  /** A sign-in begins. One at a time in a browser: the newest counts. */
  begin(response: ServerResponse, pending: PendingSignIn): void {
    this.#set(response, PENDING, pending, PENDING_SECONDS)
  }

  /** What the browser has begun, once. */
  take(request: IncomingMessage, response: ServerResponse): PendingSignIn | undefined {
    const pending = this.#open(request, PENDING) as PendingSignIn | undefined
    clearCookie(response, PENDING, this.#scope(PENDING))
    return pending
  }

  #set(response: ServerResponse, name: string, value: object, maxAgeSeconds: number): void {
    const sealed = this.#sealing.seal(JSON.stringify(value), name)
    setCookie(response, name, sealed, this.#scope(name), { maxAgeSeconds })
  }

  /** What does not open is none: of another key, another cookie, or made up. */
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
