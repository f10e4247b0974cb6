import { randomBytes } from 'node:crypto'

/**
 * The values that the response of a sign-in must match. They are kept here, not in the browser, so that nobody else
 * can supply them.
 */
export interface PendingSignIn {
  readonly state: string
  readonly nonce: string
  readonly codeVerifier: string
  /** The level that was asked for as essential. */
  readonly acr?: string
  /** The path of this app to which the person goes on. Default: its home page. */
  readonly onward?: string
}

export type Claims = Readonly<Record<string, unknown>>

export interface SignedIn {
  readonly idToken: string
  /** The claims of the ID token. */
  readonly claims: Claims
  /** The claims of the userinfo endpoint. */
  readonly userinfo: Claims
}

export interface Session {
  readonly id: string
  readonly pending: readonly PendingSignIn[]
  readonly signedIn?: SignedIn
}

const LIFETIME_SECONDS = 8 * 60 * 60
/** The most sign-ins under way at once in one browser, in its tabs. */
const PENDING_LIMIT = 8
/** The most sessions in memory: a demonstration needs few, and a flood of requests must not fill the memory. */
const SESSION_LIMIT = 10_000

/** The sessions of this app. They are in memory and end with its process. */
export class Sessions {
  readonly #now: () => number
  readonly #sessions = new Map<string, { session: Session; endsAt: number }>()

  constructor(now: () => number) {
    this.#now = now
  }

  find(id: string | undefined): Session | undefined {
    const entry = id === undefined ? undefined : this.#sessions.get(id)
    if (entry === undefined || entry.endsAt <= this.#now()) return undefined
    return entry.session
  }

  /** Remembers a sign-in that begins, in the browser's session or a new one. */
  begin(session: Session | undefined, pending: PendingSignIn): Session {
    return this.#keep({
      ...(session ?? { id: newId() }),
      pending: [...(session?.pending ?? []), pending].slice(-PENDING_LIMIT),
    })
  }

  /** Takes a pending sign-in by its state: of two answers with one state, the second finds nothing. */
  take(session: Session | undefined, state: string | null): PendingSignIn | undefined {
    const found = session?.pending.find((each) => each.state === state)
    if (session === undefined || found === undefined) return undefined
    this.#keep({ ...session, pending: session.pending.filter((each) => each !== found) })
    return found
  }

  /** Signs in under a new id: an attacker who knew the old one (a planted cookie) gains nothing. */
  signIn(session: Session, signedIn: SignedIn): Session {
    const { pending } = this.find(session.id) ?? session
    this.end(session.id)
    return this.#keep({ id: newId(), pending, signedIn })
  }

  end(id: string): void {
    this.#sessions.delete(id)
  }

  /** Ends every session that the provider's logout token names: by its session id or, without one, by its subject. */
  endOf(subject: string | undefined, sid: string | undefined): void {
    for (const [id, { session }] of this.#sessions) {
      const claims = session.signedIn?.claims
      if (claims === undefined) continue
      if (sid === undefined ? claims['sub'] === subject : claims['sid'] === sid) this.end(id)
    }
  }

  #keep(session: Session): Session {
    this.#sessions.delete(session.id)
    this.#sessions.set(session.id, { session, endsAt: this.#now() + LIFETIME_SECONDS })
    if (this.#sessions.size > SESSION_LIMIT)
      for (const oldest of this.#sessions.keys()) {
        this.end(oldest)
        break
      }
    return session
  }
}

function newId(): string {
  return randomBytes(32).toString('base64url')
}
