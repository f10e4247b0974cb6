import type { Context } from 'koa'
import {
  providerOf,
  publicAccountPath,
  type AccountSite,
  type Core,
} from '../../interactions/core.ts'
import { spendShownProof } from '../application/spend-proof.ts'
import { isEnrolled } from '../domain/enrolment.ts'
import { isRecent, provedAtIn } from '../domain/freshness.ts'
import { FIRST_EPOCH, isLive } from '../domain/session.ts'
import { signedInSessionOf } from '../host/session.ts'
import { csrfToken, type FormBinding } from '../http/csrf.ts'
import {
  AccountCookies,
  type PagesProof,
  type PagesSession,
  type PendingSignIn,
} from './cookies.ts'
import type { AccountVisit } from './page.ts'
import { AccountSignIn, type Asked } from './sign-in.ts'

/** The visit of a person, and whether the account has a factor, which decides what proof can be asked for. */
export interface Present {
  readonly visit: AccountVisit
  readonly enrolled: boolean
}

/** The sign-in of the account pages, and the sessions that result from it. */
export class Reception {
  readonly #core: Core
  readonly #site: AccountSite
  readonly signIn: AccountSignIn

  constructor(core: Core, site: AccountSite) {
    this.#core = core
    this.#site = site
    this.signIn = new AccountSignIn(core, site)
  }

  /** The cookies' path contains the path at which the provider is mounted. */
  cookies(): AccountCookies {
    const path = publicAccountPath(this.#core, this.#site)
    return new AccountCookies(providerOf(this.#core).issuer, path, this.#core.deps.box)
  }

  /** The token of every form that a session's pages have: it holds in the host's session of this person alone. */
  binding({ sessionUid, accountId }: Pick<PagesSession, 'sessionUid' | 'accountId'>): FormBinding {
    return { boundTo: JSON.stringify([sessionUid, accountId]), purpose: 'account-pages' }
  }

  session(ctx: Context): PagesSession | undefined {
    return this.cookies().session(ctx.req, this.#core.deps.clock.now())
  }

  /** Leads to the provider. The person comes back by the callback. */
  async begin(
    ctx: Context,
    pending: Omit<PendingSignIn, 'state' | 'nonce' | 'codeVerifier'>,
    asked: Asked = {},
  ): Promise<void> {
    const { url, begun } = await this.signIn.begin(asked)
    this.cookies().begin(ctx.res, { ...begun, ...pending })
    seeOther(ctx, url.href)
  }

  /**
   * Whether the session of the cookie still counts: this browser has the host's session too, which is this person's and
   * has the epoch of the account (R42), and the provider still answers for the sign-in.
   *
   * The host gives a session another id whenever a factor is shown in it. A copy of the cookies that was made before
   * has the old id, so a factor that the owner shows opens nothing for the thief of the copy (R41).
   */
  async present(ctx: Context, session = this.session(ctx)): Promise<Present | undefined> {
    if (session === undefined) return undefined
    const { accountId, sessionUid, name } = session
    const signedIn = await signedInSessionOf(providerOf(this.#core), ctx)
    if (signedIn?.uid !== sessionUid || signedIn.accountId !== accountId) return undefined
    const { record } = await this.#core.record(undefined, accountId)
    const { sessionSeconds, deps } = this.#core
    const { epoch = FIRST_EPOCH, signedInAt } = signedIn
    if (!isLive({ epoch, signedInAt }, record.epoch, sessionSeconds, deps.clock.now()))
      return undefined
    const about = await this.signIn.about(session)
    if (about === undefined) return undefined
    const enrolled = isEnrolled(record)
    const provedAt = provedAtIn({ enrolled, factorAt: signedIn.provedAt, signedInAt })
    const csrf = csrfToken(deps.box, this.binding(session))
    const visit: AccountVisit = {
      ...about,
      accountId,
      sessionUid,
      name,
      epoch,
      csrf,
      spendProof: () => Promise.resolve(false),
    }
    return { visit: provedAt === undefined ? visit : { ...visit, provedAt }, enrolled }
  }

  /** A new secret for a proof, which the provider's pages make on the way back. */
  newProof(accountId: string, purpose: string): PagesProof {
    const secret = Buffer.from(this.#core.deps.random.bytes(32)).toString('base64url')
    return { accountId, purpose, secret }
  }

  /** The proof that the browser keeps for a purpose of this person. Only spending it shows whether it is good. */
  proof(ctx: Context, { accountId }: AccountVisit, purpose: string): PagesProof | undefined {
    const proof = this.cookies().proof(ctx.req)
    return proof?.accountId === accountId && proof.purpose === purpose ? proof : undefined
  }

  /** The visit, with a proof that it can spend. */
  withProof(ctx: Context, visit: AccountVisit, { purpose, secret }: PagesProof): AccountVisit {
    const spendProof = async (): Promise<boolean> => {
      this.cookies().dropProof(ctx.res)
      const { accountId, provedAt = 0 } = visit
      return spendShownProof(this.#core.deps, accountId, { purpose, secret, provedAt })
    }
    return { ...visit, spendProof }
  }

  isRecent({ provedAt }: AccountVisit): boolean {
    return isRecent(provedAt, this.#core.deps.clock.now())
  }

  /** The visit with the sentence that is to be shown. Another person's sentence is dropped. */
  withSentence(ctx: Context, visit: AccountVisit): AccountVisit {
    const said = this.cookies().said(ctx.req, ctx.res)
    return said?.accountId === visit.accountId ? { ...visit, said: said.key } : visit
  }
}

export function seeOther(ctx: Context, location: string): void {
  ctx.set('Cache-Control', 'no-store')
  ctx.redirect(location)
  ctx.status = 303
}
