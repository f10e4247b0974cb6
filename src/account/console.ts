import type Router from '@koa/router'
import type { Context } from 'koa'
import type { AccountStatus } from '../application/manage-accounts.ts'
import { MfaError } from '../domain/errors.ts'
import type { Instant } from '../domain/time.ts'
import { readForm } from '../http/body.ts'
import { checkCsrf, csrfToken, type Macs } from '../http/csrf.ts'
import { checkOrigin } from '../http/origin.ts'
import type { ManagedMethod, PageModels } from '../http/pages.ts'
import { CONSOLE_SECONDS, ConsoleSessions, type ConsoleSession, type Sealing } from './session.ts'
import { AccountSignIn, type SignInOptions } from './sign-in.ts'

export const ACCOUNT_PATH = '/account'
export const CALLBACK_PATH = `${ACCOUNT_PATH}/callback`

export interface AccountConsole {
  readonly signIn: SignInOptions
  readonly sealing: Sealing
  readonly macs: Macs
  readonly now: () => Instant
  /** Returns an unguessable id for a new session. */
  readonly newId: () => string
  readonly statusOf: (accountId: string) => Promise<AccountStatus>
  /** The ids of the factors that people set up themselves (`lasting`), and of those that the server issues. */
  readonly factors: { readonly lasting: readonly string[]; readonly issued: readonly string[] }
  /** Where a sign-out begins. */
  readonly signOutHref: string
  readonly show: <P extends 'account' | 'account-closed'>(
    ctx: Context,
    page: P,
    model: PageModels[P],
    about?: { readonly accountLabel?: string },
  ) => Promise<void>
}

const PURPOSE = 'account'
/** The values of the page's buttons. The provider decides whether the change is possible. */
const CHANGE = /^(add|renew|remove|rename):[\w-]{1,64}$/

/**
 * The page on which people see the factors of their account. It is a relying party of the provider that it is part of.
 * It changes nothing itself: each button leads to the provider's own pages, which ask for a fresh factor and make the
 * change (R11). A person who steals a cookie of this page sees names and dates, for a quarter of an hour at most.
 */
export function addAccountRoutes(router: Router, console: AccountConsole): void {
  const { show, now, macs } = console
  const { issuer } = console.signIn
  const provider = new AccountSignIn(console.signIn)
  const sessions = new ConsoleSessions(issuer, ACCOUNT_PATH, console.sealing)

  const redirect = (ctx: Context, location: string): void => {
    ctx.set('Cache-Control', 'no-store')
    ctx.redirect(location)
    ctx.status = 303
  }
  const begin = async (ctx: Context, change?: string): Promise<void> => {
    const { url, pending } = await provider.begin(change)
    sessions.begin(ctx.res, pending)
    redirect(ctx, url.href)
  }
  const present = async (ctx: Context): Promise<ConsoleSession | undefined> => {
    const session = sessions.read(ctx.req, now())
    return session !== undefined && (await provider.isLive(session)) ? session : undefined
  }

  router.get(ACCOUNT_PATH, async (ctx) => {
    const session = await present(ctx)
    if (session === undefined) return begin(ctx)
    const status = await console.statusOf(session.accountId)
    await show(
      ctx,
      'account',
      {
        csrf: csrfToken(macs, { boundTo: session.id, purpose: PURPOSE }),
        action: `${ACCOUNT_PATH}/change`,
        ...methodsOf(status, console.factors),
        signOutHref: console.signOutHref,
      },
      { accountLabel: session.name },
    )
  })

  router.post(`${ACCOUNT_PATH}/change`, async (ctx) => {
    checkOrigin(ctx.req.headers, issuer)
    const form = await readForm(ctx)
    const session = sessions.read(ctx.req, now())
    // The session of the form has ended, so its person is unknown; the page asks for a sign-in and then shows the
    // buttons again.
    if (session === undefined) return redirect(ctx, ACCOUNT_PATH)
    checkCsrf(macs, { boundTo: session.id, purpose: PURPOSE }, form['csrf'])
    const { change = '' } = form
    if (!CHANGE.test(change))
      throw new MfaError('form-unreadable', 'There is no such change', { status: 400 })
    await begin(ctx, change)
  })

  router.get(CALLBACK_PATH, async (ctx) => {
    const pending = sessions.take(ctx.req, ctx.res)
    const url = new URL(ctx.originalUrl, issuer)
    // A response that was not begun in this browser: an attacker wants this person to be signed in to another account.
    const isOurs = pending !== undefined && url.searchParams.get('state') === pending.state
    const signedIn = isOurs ? await provider.complete(url, pending) : undefined
    if (signedIn !== undefined) {
      const until = now() + CONSOLE_SECONDS
      sessions.keep(ctx.res, { ...signedIn, id: console.newId(), until })
      return redirect(ctx, ACCOUNT_PATH)
    }
    // A person who cancelled a change returns to the account page. If they were led to a sign-in again, they could not
    // cancel.
    if ((await present(ctx)) !== undefined) return redirect(ctx, ACCOUNT_PATH)
    await show(ctx, 'account-closed', { href: ACCOUNT_PATH })
  })
}

/** Authenticators that people set up themselves come first. The last of them has no button to remove it. */
function methodsOf(
  { factors }: AccountStatus,
  { lasting, issued }: AccountConsole['factors'],
): Pick<PageModels['account'], 'methods' | 'addable' | 'renewable'> {
  const last = factors.filter(({ factor }) => lasting.includes(factor)).length < 2
  const methods = factors.map(
    ({ id, factor, name, createdAt, lastUsedAt, remaining }): ManagedMethod => ({
      id,
      factor,
      name,
      addedAt: createdAt,
      ...(lastUsedAt === undefined ? {} : { lastUsedAt }),
      ...(remaining === undefined ? {} : { remaining }),
      own: lasting.includes(factor),
      only: lasting.includes(factor) && last,
    }),
  )
  return {
    methods: methods.toSorted((one, other) => Number(other.own) - Number(one.own)),
    addable: lasting,
    renewable: factors.length > 0 ? issued : [],
  }
}
