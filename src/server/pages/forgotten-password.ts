import type Router from '@koa/router'
import type { Context } from 'koa'
import type { FileValues } from '../../../config/schema.ts'
import { ACCOUNT_PATH } from './account.ts'
import { MINUTE_SECONDS } from '../../domain/time.ts'
import { readCookie, setCookie } from '../../http/cookies.ts'
import type { PageModels } from '../../http/pages.ts'
import type { Account } from '../../ports/accounts.ts'
import type { Counters } from '../../ports/counters.ts'
import type { Clock, Random } from '../../ports/services.ts'
import type { ForgottenPassword, Sender } from '../accounts/forgotten-password.ts'
import { chosenLanguage } from '../accounts/language.ts'
import { LONGEST_NAME } from '../accounts/name.ts'
import { addressLimit } from '../accounts/network-limit.ts'
import { networksOf } from '../accounts/network.ts'
import { newToken } from '../accounts/one-time-link.ts'
import type { PasswordFault } from '../accounts/password-policy.ts'
import { RESET_PATH, RESET_SECONDS } from '../accounts/reset-link.ts'
import type { ServerMfa } from '../boot/mfa.ts'
import { senderOf } from '../observe/audit.ts'
import type { AfterAnswer } from './after-answer.ts'
import type { FormGuard } from './context.ts'
import type { ShowPage } from './render.ts'

export const FORGOTTEN_PATH = '/password/forgotten'
const SENT_PATH = `${FORGOTTEN_PATH}/sent`

export interface ForgottenPasswordRoutes {
  readonly forgotten: ForgottenPassword
  readonly mfa: Pick<ServerMfa, 'browsers' | 'views'>
  readonly after: AfterAnswer
  readonly show: ShowPage
  readonly forms: FormGuard
  readonly issuer: string
  readonly minimumLength: number
  readonly counters: Counters
  readonly clock: Clock
  readonly random: Random
  readonly limits: FileValues['limits']
}

const ASK = 'password-forgotten'
const RESET = 'password-reset'
/** Binds the form to the browser that has opened the page. */
const COOKIE = 'password-forgotten'

/** The pages on which a person asks for a link, and chooses a new password with it. A GET does neither. */
export function addForgottenPasswordRoutes(
  router: Router,
  services: ForgottenPasswordRoutes,
): void {
  addAskRoutes(router, services)
  addResetRoutes(router, services)
}

function addAskRoutes(router: Router, services: ForgottenPasswordRoutes): void {
  const { forgotten, mfa, after, show, forms, clock } = services
  const limit = addressLimit(services.counters, {
    name: 'requests:password-reset',
    limit: services.limits.resetsPerMinute,
    windowSeconds: MINUTE_SECONDS,
  })
  const refuse = async (ctx: Context, retryAfterSeconds: number): Promise<void> => {
    const headers = { 'Retry-After': String(retryAfterSeconds) }
    const model = { retryAfterSeconds, retryHref: FORGOTTEN_PATH }
    await show(ctx, 'busy', model, { status: 429, headers })
  }

  router.get(FORGOTTEN_PATH, (ctx) => showAsk(services, ctx))

  router.post(FORGOTTEN_PATH, async (ctx) => {
    const { username = '' } = await forms.read(ctx, browserOf(services, ctx) ?? '', ASK)
    if (username.trim() === '')
      return showAsk(services, ctx, { status: 400, username, error: 'missing' })
    const now = clock.now()
    const asked = {
      name: username,
      sender: senderOfPage(services, ctx),
      browserIsKnown: (accountId: string) => mfa.browsers.isKnown(ctx.req, accountId),
    }
    const work = (): Promise<void> => forgotten.ask(asked)
    const retryAt = await limit.take(networksOf(ctx.ip), now)
    // Before the answer the name is looked up only where a stranger would be refused: strangers who use up the places
    // do not stop the owner (R43).
    if (retryAt !== undefined || !after.add(ctx.res, work)) {
      const isTaken =
        (await forgotten.mayAskBesideStrangers(asked)) && after.add(ctx.res, work, 'kept')
      if (!isTaken) return refuse(ctx, Math.max(1, (retryAt ?? now) - now))
    }
    ctx.set('Cache-Control', 'no-store')
    ctx.redirect(SENT_PATH)
    ctx.status = 303
  })

  router.get(SENT_PATH, (ctx) =>
    show(ctx, 'password-forgotten-sent', {
      minutes: RESET_SECONDS / MINUTE_SECONDS,
      againHref: FORGOTTEN_PATH,
      href: ACCOUNT_PATH,
    }),
  )
}

function addResetRoutes(router: Router, services: ForgottenPasswordRoutes): void {
  const { forgotten, show, forms } = services

  router.get(`${RESET_PATH}/:token`, async (ctx) => {
    const { token = '' } = ctx.params
    const account = await forgotten.look(token)
    return account === undefined
      ? showAsk(services, ctx, GONE)
      : showReset(services, ctx, token, account)
  })

  router.post(`${RESET_PATH}/:token`, async (ctx) => {
    const { token = '' } = ctx.params
    const { password = '' } = await forms.read(ctx, token, RESET)
    const account = await forgotten.look(token)
    if (account === undefined) return showAsk(services, ctx, GONE)
    const use = await forgotten.use(token, password, senderOfPage(services, ctx))
    switch (use.outcome) {
      case 'gone':
        return showAsk(services, ctx, GONE)
      case 'refused':
        return showReset(services, ctx, token, account, use.reason)
      case 'done':
        return show(
          ctx,
          'password-reset-done',
          { href: ACCOUNT_PATH },
          { language: chosenLanguage(account) },
        )
    }
  })
}

interface Again {
  readonly status: number
  readonly username: string
  readonly error: NonNullable<PageModels['password-forgotten']['error']>
}

/** The link was used, has expired, is void or never existed: the page asks for the next one. */
const GONE: Again = { status: 410, username: '', error: 'gone' }

async function showAsk(
  services: ForgottenPasswordRoutes,
  ctx: Context,
  again?: Again,
): Promise<void> {
  const { show, forms } = services
  await show(
    ctx,
    'password-forgotten',
    {
      action: FORGOTTEN_PATH,
      csrf: forms.token(browserOf(services, ctx) ?? knownAs(services, ctx), ASK),
      username: (again?.username ?? '').slice(0, LONGEST_NAME),
      href: ACCOUNT_PATH,
      ...(again === undefined ? {} : { error: again.error }),
    },
    { status: again?.status ?? 200 },
  )
}

async function showReset(
  { show, forms, minimumLength }: ForgottenPasswordRoutes,
  ctx: Context,
  token: string,
  account: Account,
  error?: PasswordFault,
): Promise<void> {
  await show(
    ctx,
    'password-reset',
    {
      action: `${RESET_PATH}/${token}`,
      csrf: forms.token(token, RESET),
      username: account.username,
      minimumLength,
      ...(error === undefined ? {} : { error }),
    },
    { language: chosenLanguage(account), status: error === undefined ? 200 : 422 },
  )
}

/** The value by which the form of the first page knows its browser. */
function browserOf({ issuer }: ForgottenPasswordRoutes, ctx: Context): string | undefined {
  return readCookie(ctx.req.headers.cookie, COOKIE, { issuer, path: '/' })
}

function knownAs({ issuer, random }: ForgottenPasswordRoutes, ctx: Context): string {
  const browser = newToken(random)
  setCookie(ctx.res, COOKIE, browser, { issuer, path: '/' })
  return browser
}

function senderOfPage({ mfa }: ForgottenPasswordRoutes, ctx: Context): Sender {
  const locale = mfa.views.localeFor({ acceptLanguage: ctx.get('accept-language') })
  return { ...senderOf(ctx), locale }
}
