import type { Configuration, KoaContextWithOIDC } from 'oidc-provider'
import { MfaError } from '../../domain/errors.ts'
import { readHostForm, userCodeProblem } from '../../host/pages.ts'
import { homeOf } from '../../host/provider.ts'
import { isNew, leaveUnstored } from '../../host/session.ts'
import type { ErrorAnswer } from '../../http/errors.ts'
import type { PageModels } from '../../http/pages.ts'
import type { Instant } from '../../domain/time.ts'
import type { Account, Accounts } from '../../ports/accounts.ts'
import type { Clock } from '../../ports/services.ts'
import { chosenLanguage } from '../accounts/language.ts'
import type { Mfa } from '../../index.ts'
import { aboutClient, type About, type ShowPage } from './render.ts'
import { TooManyUserCodes } from './user-codes.ts'

type Features = NonNullable<Configuration['features']>
type Logout = NonNullable<Features['rpInitiatedLogout']>
type Device = NonNullable<Features['deviceFlow']>

/** The host's own pages in our design. The host calls one function for each. */
export interface HostPages {
  readonly error: NonNullable<Configuration['renderError']>
  readonly logout: NonNullable<Logout['logoutSource']>
  readonly signedOut: NonNullable<Logout['postLogoutSuccessSource']>
  readonly deviceInput: NonNullable<Device['userCodeInputSource']>
  readonly deviceConfirm: NonNullable<Device['userCodeConfirmSource']>
  readonly deviceDone: NonNullable<Device['successSource']>
}

export interface HostPageServices {
  readonly show: ShowPage
  readonly accounts: Accounts
  readonly clock: Clock
  /** The session that the browser of a request still has. */
  readonly sessionOf: Mfa['sessionOf']
  readonly explain: (ctx: KoaContextWithOIDC, error: unknown) => Promise<ErrorAnswer>
}

export function hostPages(services: HostPageServices): HostPages {
  const { show, accounts, clock, explain } = services
  return {
    async error(ctx, _out, error) {
      const answer = await explain(ctx, error)
      await show(ctx, answer.page, answer.model, {
        status: answer.status,
        headers: answer.headers,
        ...aboutRequest(ctx),
      })
    },

    async logout(ctx, form) {
      const { action, xsrf } = readHostForm(form)
      const accountId = ctx.oidc.session?.accountId
      const account =
        accountId === undefined ? undefined : (await accounts.byId(accountId))?.account
      const returnsTo = ctx.oidc.params?.['post_logout_redirect_uri']
      await show(
        ctx,
        'logout',
        {
          action,
          xsrf,
          ...(account === undefined ? {} : { signedInAs: account.username }),
        },
        { ...aboutRequest(ctx), ...inLanguageOf(account), leadsToApp: returnsTo !== undefined },
      )
    },

    signedOut: (ctx) => showSignedOut(services, ctx),

    async deviceInput(ctx, form, _out, error) {
      if (error !== undefined && isOver(ctx, error)) throw forgotten(ctx, error)
      const { action, xsrf } = readHostForm(form)
      const problem = error && deviceProblem(error)
      await show(
        ctx,
        'device',
        {
          action,
          xsrf,
          userCode: '',
          ...(problem === undefined ? {} : { error: problem }),
        },
        error === undefined ? {} : refusal(error, clock.now()),
      )
    },

    async deviceConfirm(ctx, form, client, _info, userCode) {
      const { action, xsrf } = readHostForm(form)
      await show(
        ctx,
        'device-confirm',
        { action, xsrf, userCode, refuseName: 'abort' },
        aboutClient(client),
      )
    },

    async deviceDone(ctx) {
      await show(ctx, 'device-done', {}, aboutRequest(ctx))
    },
  }
}

/** The end of a sign-out. The host leads here also after one that was declined. */
async function showSignedOut(
  { show, accounts, sessionOf }: HostPageServices,
  ctx: KoaContextWithOIDC,
): Promise<void> {
  const accountId = (await sessionOf(ctx))?.accountId
  const account = accountId === undefined ? undefined : (await accounts.byId(accountId))?.account
  if (account === undefined) return show(ctx, 'signed-out', {}, aboutRequest(ctx))
  const { client } = ctx.oidc
  const href = client === undefined ? undefined : homeOf(client)
  await show(
    ctx,
    'still-signed-in',
    { signedInAs: account.username, ...(href === undefined ? {} : { href }) },
    { ...aboutRequest(ctx), ...inLanguageOf(account) },
  )
}

function inLanguageOf(account: Account | undefined): About {
  return account === undefined ? {} : { language: chosenLanguage(account) }
}

function aboutRequest(ctx: KoaContextWithOIDC): About {
  const client = ctx.oidc?.client
  return client === undefined ? {} : aboutClient(client)
}

function deviceProblem(error: Error): PageModels['device']['error'] {
  return error instanceof TooManyUserCodes ? 'too-many' : userCodeProblem(error)
}

/**
 * Whether the interaction of this form or resume does not exist any more: the person took too long, or never began it.
 */
function isOver({ oidc }: KoaContextWithOIDC, error: Error): boolean {
  return isNew(oidc.session) || error.name === 'SessionNotFound'
}

/**
 * Without this the host would continue to the page for the code and then fail to store the session: the person would
 * see a server fault instead of an explanation.
 */
function forgotten({ oidc }: KoaContextWithOIDC, cause: Error): MfaError {
  leaveUnstored(oidc.session)
  return new MfaError('interaction-expired', 'The session of this device sign-in is gone', {
    status: 410,
    cause,
  })
}

function refusal(error: Error, now: Instant): About {
  if (!(error instanceof TooManyUserCodes)) return { status: 400 }
  const seconds = Math.max(1, error.retryAt - now)
  return { status: error.statusCode, headers: { 'Retry-After': String(seconds) } }
}
