import type { Context } from 'koa'
import {
  mountPath,
  providerOf,
  publicAccountPath,
  REPLACE_PATH,
  type AccountSite,
  type Core,
} from '../../interactions/core.ts'
import { hashOfSecret } from '../application/spend-proof.ts'
import { MfaError } from '../domain/errors.ts'
import { given } from '../host/given.ts'
import { readForm, type Form } from '../http/body.ts'
import { checkCsrf } from '../http/csrf.ts'
import { checkOrigin } from '../http/origin.ts'
import { browsersPage } from './browsers.ts'
import { CALLBACK, callbackUrl } from './client.ts'
import type { PagesProof, PendingSignIn, WaitingDeed } from './cookies.ts'
import { lockPage } from './lock.ts'
import { changeOf, overview } from './overview.ts'
import type { AccountPage, AccountPages, AccountVisit, Deed, OwnDeed } from './page.ts'
import { renamePage } from './rename.ts'
import { show } from './show.ts'
import { turnOffPage } from './turn-off.ts'
import { Reception, seeOther, type Present } from './visit.ts'

/** The name of the overview: its path is that of the account pages themselves. */
const OVERVIEW = ''
const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/
/** A cookie has 4096 bytes at most, and sealing and base64 make the text longer. */
const LONGEST_WAITING = 1500

/**
 * The pages on which people see and change what protects their account. They are a relying party of the provider that
 * they are part of. A stolen copy of the cookies shows names and dates for a quarter of an hour at most, and until the
 * owner shows a factor again; each change asks for the proof that it needs (R11).
 */
export class AccountConsole implements AccountPages {
  readonly path: string
  readonly #core: Core
  readonly #site: AccountSite
  readonly #reception: Reception
  readonly #pages = new Map<string, AccountPage>()

  constructor(core: Core, site: AccountSite) {
    this.#core = core
    this.#site = site
    this.path = site.path
    this.#reception = new Reception(core, site)
    this.#pages.set(
      OVERVIEW,
      overview(core, site, () => this.#listed()),
    )
    this.page(browsersPage(core, site))
    this.page(lockPage(core, site))
    this.page(turnOffPage(core, site))
    this.page(renamePage(core, site))
  }

  page(page: AccountPage): void {
    const { name } = page
    const isTaken = this.#pages.has(name) || [CALLBACK, REPLACE_PATH].includes(`/${name}`)
    if (!NAME.test(name) || isTaken)
      throw new MfaError(
        'options-invalid',
        `mfa.account.page: the name "${name}" is taken or is not of lower-case words with hyphens`,
      )
    this.#pages.set(name, page)
  }

  async visit(ctx: Context): Promise<AccountVisit | undefined> {
    const present = await this.#reception.present(ctx)
    if (present !== undefined) return this.#reception.withSentence(ctx, present.visit)
    await this.#signIn(ctx)
    return undefined
  }

  /** The deed that answers a request. Undefined: the request is for no account page. */
  handlerOf(ctx: Context): (() => Promise<void>) | undefined {
    const path = ctx.path.replace(/\/$/, '')
    const isRead = ctx.method === 'GET' || ctx.method === 'HEAD'
    if (path === this.path + CALLBACK) return isRead ? () => this.#comeBack(ctx) : undefined
    if (path === this.path + REPLACE_PATH) return isRead ? () => this.#replace(ctx) : undefined
    const name = path === this.path ? OVERVIEW : path.slice(this.path.length + 1)
    const isBelow = path === this.path || path.startsWith(`${this.path}/`)
    const page = isBelow ? this.#pages.get(name) : undefined
    if (page === undefined) return undefined
    if (isRead) return () => this.#show(ctx, page)
    return ctx.method === 'POST' ? () => this.#post(ctx, page) : undefined
  }

  /** The page to open for another try, when this request has failed. */
  retryPath(ctx: Context): string {
    return mountPath(this.#core) + (ctx.path.endsWith(CALLBACK) ? this.path : ctx.path)
  }

  /**
   * Begins the replacement of an authenticator for a person who comes from the page after a backup code. No visit is
   * needed first: the provider's pages ask who it is, and for the proof.
   */
  async #replace(ctx: Context): Promise<void> {
    const { id } = ctx.query
    const change = typeof id === 'string' ? changeOf('replace', id) : undefined
    if (change === undefined) return seeOther(ctx, this.#addressOf(OVERVIEW))
    await this.#reception.begin(ctx, { back: this.path, said: 'replaced' }, { change })
  }

  #listed(): readonly AccountPage[] {
    return [...this.#pages.values()].filter(
      ({ name, listed }) => name !== OVERVIEW && listed !== false,
    )
  }

  #addressOf(name: string): string {
    const path = publicAccountPath(this.#core, this.#site)
    return name === OVERVIEW ? path : `${path}/${name}`
  }

  async #signIn(ctx: Context): Promise<void> {
    // The form of a session that has ended is lost: its person is unknown. The page shows the buttons again.
    if (ctx.method === 'POST') return seeOther(ctx, this.#addressOf(OVERVIEW))
    // A route of the application may answer any path. A browser takes one that begins with two slashes for another site.
    await this.#reception.begin(ctx, { back: ctx.path.replace(/^\/+/, '/') + ctx.search })
  }

  async #show(ctx: Context, page: AccountPage): Promise<void> {
    const present = await this.#reception.present(ctx)
    if (present === undefined) return this.#signIn(ctx)
    const { visit } = present
    const purpose = purposeOf(page)
    if (page.needs === 'proof' && this.#reception.proof(ctx, visit, purpose) === undefined) {
      const proof = this.#reception.newProof(visit.accountId, purpose)
      return this.#reception.begin(ctx, { back: this.#backTo(page), proof }, provingBy(proof))
    }
    await page.show(this.#reception.withSentence(ctx, visit), ctx)
  }

  async #post(ctx: Context, page: AccountPage): Promise<void> {
    checkOrigin(ctx.req.headers, providerOf(this.#core).issuer)
    const form = await readForm(ctx)
    const session = this.#reception.session(ctx)
    if (session === undefined) return this.#signIn(ctx)
    checkCsrf(this.#core.deps.box, this.#reception.binding(session), form['csrf'])
    const { csrf: _, do: name = '', ...fields } = form
    const deed = deedOf(page, name)
    const present = await this.#reception.present(ctx, session)
    if (present === undefined) return this.#signIn(ctx)
    if ('changes' in deed)
      return this.#change(ctx, page, { change: deed.changes(fields), said: deed.said })
    if (page.needs === 'proof' && deed.needs === 'proof') {
      const proof = this.#reception.proof(ctx, present.visit, purposeOf(page))
      // The fields may be secrets, which wait nowhere: the page asks for the proof and shows its form again.
      if (proof === undefined) return seeOther(ctx, this.#addressOf(page.name))
      return this.#run(ctx, page, deed, this.#proved(ctx, present.visit, proof), fields)
    }
    if (isAllowed(this.#reception, deed, present.visit))
      return this.#run(ctx, page, deed, present.visit, fields)
    const waiting = { do: name, form: kept(deed, fields) }
    await this.#askFirst(ctx, page, present, { deed, waiting })
  }

  /** The provider's pages make a change of factors, and ask for the proof that it needs. */
  async #change(
    ctx: Context,
    page: AccountPage,
    { change, said }: { change: string | undefined; said: string },
  ): Promise<void> {
    if (change === undefined) throw noSuchDeed()
    await this.#reception.begin(ctx, { back: this.#backTo(page), said }, { change })
  }

  /** Asks for a fresh proof. The deed waits in the browser and is done when the person comes back. */
  async #askFirst(
    ctx: Context,
    page: AccountPage,
    { visit, enrolled }: Present,
    { deed, waiting }: { deed: OwnDeed; waiting: Pick<WaitingDeed, 'do' | 'form'> },
  ): Promise<void> {
    const { accountId } = visit
    const kept = { ...waiting, accountId, page: page.name }
    const pending = { back: this.#backTo(page), deed: kept }
    if (JSON.stringify(kept).length > LONGEST_WAITING)
      throw new MfaError('form-too-large', 'The form is too large to wait for a proof', {
        status: 413,
      })
    if (deed.needs !== 'proof')
      return this.#reception.begin(ctx, pending, { prompt: enrolled ? 'mfa' : 'login' })
    const proof = this.#reception.newProof(accountId, purposeOf(page, waiting.do))
    await this.#reception.begin(ctx, { ...pending, proof }, provingBy(proof))
  }

  #backTo({ name }: AccountPage): string {
    return name === OVERVIEW ? this.path : `${this.path}/${name}`
  }

  async #run(
    ctx: Context,
    page: AccountPage,
    deed: OwnDeed,
    visit: AccountVisit,
    form: Form,
  ): Promise<void> {
    const said = await deed.run(visit, form, ctx)
    if (ctx.body !== undefined && ctx.body !== null) return
    // A page that needs a proof would ask for another one.
    const isOver = page.needs === 'proof' || deed.leadsTo === 'overview'
    const next = isOver && said !== undefined ? OVERVIEW : page.name
    this.#leadTo(ctx, this.#addressOf(next), visit.accountId, said ?? undefined)
  }

  #proved(ctx: Context, visit: AccountVisit, proof: PagesProof | undefined): AccountVisit {
    return proof === undefined ? visit : this.#reception.withProof(ctx, visit, proof)
  }

  #leadTo(ctx: Context, address: string, accountId: string, key: string | undefined): void {
    if (key !== undefined) this.#reception.cookies().say(ctx.res, { accountId, key })
    seeOther(ctx, address)
  }

  /** The answer of the provider. */
  async #comeBack(ctx: Context): Promise<void> {
    const pending = this.#reception.cookies().take(ctx.req, ctx.res)
    // Express removes the path of the mount from the address of the request.
    const url = callbackUrl(this.#core, this.#site)
    url.search = ctx.search
    // A response that was not begun in this browser: an attacker wants this person to be signed in to another account.
    const isOurs = pending !== undefined && url.searchParams.get('state') === pending.state
    const signedIn = isOurs ? await this.#reception.signIn.complete(url, pending) : undefined
    if (signedIn === undefined) return this.#turnedBack(ctx, isOurs ? pending : undefined)
    const cookies = this.#reception.cookies()
    const session = cookies.keepSession(ctx.res, signedIn, this.#core.deps.clock.now())
    const { back, said, deed, proof } = given(pending, 'sign-in')
    if (deed !== undefined && deed.accountId === session.accountId) {
      const present = await this.#reception.present(ctx, session)
      if (present !== undefined) return this.#doWaiting(ctx, deed, present, proof)
    }
    if (proof !== undefined) cookies.keepProof(ctx.res, proof)
    this.#leadTo(ctx, mountPath(this.#core) + back, session.accountId, said)
  }

  /**
   * Does the deed that has waited. The browser may have left the requested proof out of the authorization request, so
   * the time of the proof is that of the host's session.
   */
  async #doWaiting(
    ctx: Context,
    { page: name, do: wanted, form }: WaitingDeed,
    { visit }: Present,
    proof: PagesProof | undefined,
  ): Promise<void> {
    const page = this.#pages.get(name)
    if (page === undefined) throw noSuchDeed()
    const deed = deedOf(page, wanted)
    const isAsked = !('changes' in deed) && deed.needs === 'proof' && proof !== undefined
    if ('changes' in deed || !(isAsked || isAllowed(this.#reception, deed, visit)))
      return seeOther(ctx, this.#addressOf(name))
    return this.#run(ctx, page, deed, this.#proved(ctx, visit, proof), form)
  }

  /**
   * A person who cancelled a change returns to the page. If they were led to a sign-in again, they could not cancel.
   */
  async #turnedBack(ctx: Context, pending: PendingSignIn | undefined): Promise<void> {
    if ((await this.#reception.present(ctx)) !== undefined)
      return seeOther(ctx, mountPath(this.#core) + backOf(pending, this.path))
    await show(this.#core, ctx, 'account-closed', { href: this.#addressOf(OVERVIEW) })
  }
}

/** A page that needs a proof would ask for it again at once. */
function backOf(pending: PendingSignIn | undefined, overview: string): string {
  if (pending === undefined) return overview
  return pending.proof !== undefined && pending.deed === undefined ? overview : pending.back
}

/** A proof is for one page, or for one deed of a page that needs none itself. */
function purposeOf({ name }: AccountPage, deed?: string): string {
  return ['account', name, deed].filter(Boolean).join('-')
}

function provingBy({ purpose, secret }: PagesProof): { readonly change: string } {
  return { change: `prove:${purpose}:${hashOfSecret(secret)}` }
}

function isAllowed(reception: Reception, { needs }: OwnDeed, visit: AccountVisit): boolean {
  switch (needs) {
    case 'session':
      return true
    case 'recent':
      return reception.isRecent(visit)
    case 'proof':
      return false
  }
}

function deedOf({ deeds = {} }: AccountPage, name: string): Deed {
  const deed = Object.hasOwn(deeds, name) ? deeds[name] : undefined
  if (deed === undefined) throw noSuchDeed()
  return deed
}

function kept({ keeps = [] }: OwnDeed, form: Form): Form {
  return Object.fromEntries(Object.entries(form).filter(([name]) => keeps.includes(name)))
}

function noSuchDeed(): MfaError {
  return new MfaError('form-unreadable', 'There is no such deed', { status: 400 })
}
