import type { IncomingMessage, ServerResponse } from 'node:http'
import { MINUTE_SECONDS, type Instant } from '../domain/time.ts'
import { clearCookie, readCookie, setCookie, type CookieScope } from '../http/cookies.ts'
import type { SecretBox } from '../ports/services.ts'
import type { Form } from '../http/body.ts'
import type { BegunSignIn, SignedIn } from './sign-in.ts'

/** The pages lead to changes of factors, so their session is short. After it the provider is asked again. */
const SESSION_SECONDS = 15 * MINUTE_SECONDS
/** The longest time that a person may spend on the provider's pages. */
const PENDING_SECONDS = 60 * MINUTE_SECONDS
/** The sentence is shown by the page that the browser opens at once. */
const SAID_SECONDS = MINUTE_SECONDS
/** As long as a proof is good. */
const PROOF_SECONDS = 10 * MINUTE_SECONDS

const SESSION = 'mfa_account'
const PENDING = 'mfa_account_sign_in'
const SAID = 'mfa_account_said'
const PROOF = 'mfa_account_proof'

/** The session of a person on the account pages. */
export interface PagesSession extends SignedIn {
  readonly until: Instant
}

/** A proof that was made for one purpose. Its secret is in this browser alone. */
export interface PagesProof {
  readonly accountId: string
  readonly purpose: string
  readonly secret: string
}

/** The reason for a sign-in, which decides about the page that follows it. */
export interface PendingSignIn extends BegunSignIn {
  /** The path to which the person returns, below the path at which the provider is mounted. */
  readonly back: string
  /** The sentence of the page that follows, after a change that the provider's pages have made. */
  readonly said?: string
  /** The proof that is made on the way. */
  readonly proof?: PagesProof
  /** The deed that waits for a fresh proof. */
  readonly deed?: WaitingDeed
}

export interface WaitingDeed {
  readonly accountId: string
  /** The name of the page. */
  readonly page: string
  readonly do: string
  /** The fields that the deed keeps; never a secret. */
  readonly form: Form
}

/**
 * The cookies of the account pages. All state is in them: any node can answer. They are sealed, so that a browser can
 * neither read nor forge them.
 */
export class AccountCookies {
  readonly #issuer: string
  readonly #path: string
  readonly #box: Pick<SecretBox, 'seal' | 'open'>

  constructor(issuer: string, path: string, box: Pick<SecretBox, 'seal' | 'open'>) {
    this.#issuer = issuer
    this.#path = path
    this.#box = box
  }

  session(request: IncomingMessage, now: Instant): PagesSession | undefined {
    const session = this.#open(request, SESSION) as PagesSession | undefined
    return session !== undefined && now < session.until ? session : undefined
  }

  keepSession(response: ServerResponse, signedIn: SignedIn, now: Instant): PagesSession {
    const session = { ...signedIn, until: now + SESSION_SECONDS }
    this.#set(response, SESSION, session, SESSION_SECONDS)
    return session
  }

  /** Begins a sign-in. A browser has one at a time: a new one replaces it. */
  begin(response: ServerResponse, pending: PendingSignIn): void {
    this.#set(response, PENDING, pending, PENDING_SECONDS)
  }

  /** Returns the sign-in that the browser has begun, and removes it. */
  take(request: IncomingMessage, response: ServerResponse): PendingSignIn | undefined {
    return this.#take(request, response, PENDING) as PendingSignIn | undefined
  }

  keepProof(response: ServerResponse, proof: PagesProof): void {
    this.#set(response, PROOF, proof, PROOF_SECONDS)
  }

  proof(request: IncomingMessage): PagesProof | undefined {
    return this.#open(request, PROOF) as PagesProof | undefined
  }

  dropProof(response: ServerResponse): void {
    clearCookie(response, PROOF, this.#scope(PROOF))
  }

  /** Keeps the sentence for the next page. */
  say(response: ServerResponse, said: Said): void {
    this.#set(response, SAID, said, SAID_SECONDS)
  }

  /** Returns the sentence for this page, and removes it. */
  said(request: IncomingMessage, response: ServerResponse): Said | undefined {
    return this.#take(request, response, SAID) as Said | undefined
  }

  #take(request: IncomingMessage, response: ServerResponse, name: string): unknown {
    const value = this.#open(request, name)
    if (value !== undefined) clearCookie(response, name, this.#scope(name))
    return value
  }

  #set(response: ServerResponse, name: string, value: object, maxAgeSeconds: number): void {
    const sealed = this.#box.seal(JSON.stringify(value), contextOf(name))
    setCookie(response, name, sealed, this.#scope(name), { maxAgeSeconds })
  }

  /** Undefined for a value that does not open: it was sealed with another key, for another cookie, or forged. */
  #open(request: IncomingMessage, name: string): unknown {
    const sealed = readCookie(request.headers.cookie, name, this.#scope(name))
    if (sealed === undefined) return undefined
    try {
      return JSON.parse(this.#box.open(sealed, contextOf(name))) as unknown
    } catch {
      return undefined
    }
  }

  /** The session is for the whole host, which is what the `__Host-` prefix asks for. */
  #scope(name: string): CookieScope {
    return { issuer: this.#issuer, path: name === SESSION ? '/' : this.#path }
  }
}

/** A sentence for the next page of a person. */
export interface Said {
  readonly accountId: string
  readonly key: string
}

/** The context of a seal has the place of an account's id; the pages are no account. */
function contextOf(purpose: string): { accountId: string; purpose: string } {
  return { accountId: 'account-pages', purpose }
}
