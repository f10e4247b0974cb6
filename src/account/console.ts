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
  /** An unguessable name for a new session. */
  readonly newId: () => string
  readonly statusOf: (accountId: string) => Promise<AccountStatus>
  /** The ids of the factors that people set up themselves, and of those that are made for them. */
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
/** What a button of the page says; whether it is possible the provider knows. */
const CHANGE = /^(add|renew|remove|rename):[\w-]{1,64}$/

/**
 * The page on which people see what guards their account, as a relying party of the provider that it is part of.
 * It changes nothing itself: each button leads to the provider's own pages, which ask for a fresh factor and make the
 * change (R11). A stolen cookie of this page shows names and dates, for a quarter of an hour at most.
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
    // Whose form it is cannot be told any more; the page asks who is there and has the buttons again.
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
    // Not begun in this browser: an answer that somebody else wants this person to be signed in with.
    const isOurs = pending !== undefined && url.searchParams.get('state') === pending.state
    const signedIn = isOurs ? await provider.complete(url, pending) : undefined
    if (signedIn !== undefined) {
      const until = now() + CONSOLE_SECONDS
      sessions.keep(ctx.res, { ...signedIn, id: console.newId(), until })
      return redirect(ctx, ACCOUNT_PATH)
    }
    // Whoever turned back from a change is where they came from; led to a sign-in again, nobody could turn back.
    if ((await present(ctx)) !== undefined) return redirect(ctx, ACCOUNT_PATH)
    await show(ctx, 'account-closed', { href: ACCOUNT_PATH })
  })
}

/** What people set up themselves stands first; one that is the last of its kind has no button to remove it. */
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
