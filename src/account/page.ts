import type { Context } from 'koa'
import type { Form } from '../http/body.ts'
import type { Instant } from '../domain/time.ts'

/** The person who is signed in to the account pages. */
export interface AccountVisit {
  readonly accountId: string
  /** The name by which the person knows the account. */
  readonly name: string
  /** The language that the person has chosen (BCP 47), for `mfa.views.localeFor`. */
  readonly language?: string
  /** The uid of the host's session in this browser. */
  readonly sessionUid: string
  /** The epoch of the account and of the session, which are equal. */
  readonly epoch: number
  /** The value of the field `csrf` of every form on the account pages. */
  readonly csrf: string
  /** The last second factor in this session; the first factor where the account has no other. */
  readonly provedAt?: Instant
  /**
   * Spends the proof that was made for this page or for this deed, in one write (R11). True once: of simultaneous calls,
   * on any nodes, one gets it. False: there is none, its ten minutes are over, or the account has changed since.
   */
  readonly spendProof: () => Promise<boolean>
  /** The sentence that the page shows in `[role=status]`: what the change before it has done. Once. */
  readonly said?: string
}

/** A page below the path of the account pages. */
export interface AccountPage {
  /** The last part of its path: `sessions` is `/account/sessions`. Lower-case words with hyphens. */
  readonly name: string
  /** Whether the overview has a link to it. Default: true. The catalogue has its text as `account.page-NAME`. */
  readonly listed?: boolean
  /**
   * The heading under which the overview links to it. `sign-in`: the password and the addresses; `access`: where the
   * account is used. Default: `more`.
   */
  readonly group?: PageGroup
  /**
   * `proof`: the page asks for a fresh proof before it is shown. Its deeds spend that proof, and lead to the overview
   * afterwards.
   */
  readonly needs?: 'proof'
  /** Answers a GET, with a status and a body. */
  readonly show: (visit: AccountVisit, ctx: Context) => Promise<void>
  /** The deeds of its forms, by the value of the field `do`. Each form posts `csrf` and `do` to the page's own path. */
  readonly deeds?: Readonly<Record<string, Deed>>
}

/** A heading of the overview: the message `account.group-GROUP`. */
export type PageGroup = 'sign-in' | 'access' | 'more'

export type Deed = OwnDeed | FactorDeed

/** A deed of the page itself. */
export interface OwnDeed {
  /**
   * The proof that it needs. `session`: nothing beyond the session. `recent`: a second factor within the last five
   * minutes in this session, or the password where the account has no factor; the person is asked where there is none.
   * `proof`: a fresh proof that was made for this deed or for its page. The deed calls `visit.spendProof()` right before
   * it acts, and does nothing if the answer is false.
   */
  readonly needs: 'session' | 'recent' | 'proof'
  /** The page after the deed, where its own has nothing left to show. Default: its own page. */
  readonly leadsTo?: 'overview'
  /**
   * The fields that wait in the browser's sealed cookie while the person is asked. A password must not be one of them.
   * Default: none.
   */
  readonly keeps?: readonly string[]
  /**
   * Answers the key of the sentence that the next page shows (`account.said-KEY` of the catalogue), or nothing. A deed
   * that gives the response a body, such as its form with an error, or a redirect elsewhere, has answered by itself.
   */
  readonly run: (visit: AccountVisit, form: Form, ctx: Context) => Promise<string | void>
}

/** A change of factors, which the provider's own pages make after a fresh proof for it (R11). */
export interface FactorDeed {
  /** Answers the authorization parameter `mfa_action`. Undefined: the form asks for no such change. */
  readonly changes: (form: Form) => string | undefined
  /** The key of the sentence after it. */
  readonly said: string
}

/** The account pages, for pages of the application's own among them. */
export interface AccountPages {
  /** The path of the overview below the provider. */
  readonly path: string
  /** Adds a page. Throws MfaError `options-invalid` for a name that is taken or has other characters. */
  page(page: AccountPage): void
  /**
   * Answers who is signed in, for a route of the application's own on the provider below `path`. Undefined: the request
   * was answered by a redirect to the sign-in, which comes back to this address (GET) or to the overview.
   */
  visit(ctx: Context): Promise<AccountVisit | undefined>
}
