import type Router from '@koa/router'
import type { Context } from 'koa'
import type { Provider } from 'oidc-provider'
import type { SecretBox } from '../../ports/services.ts'
import type { Accounts } from '../../ports/accounts.ts'
import type { Record } from '../observe/audit.ts'
import type { ShowPage } from './render.ts'
import { forgetConsent, rememberConsent } from '../clients/grants.ts'
import { chosenLanguage } from '../accounts/language.ts'
import { endGrant, findGrant, give, newGrant, type Parties } from '../../host/grant.ts'
import { findClient, pagesOf } from '../../host/provider.ts'
import { answer, type Interaction } from '../../host/interaction.ts'
import type { ServerMfa } from '../boot/mfa.ts'
import { aboutInteraction, interactionOf, isOfLiveSession, type FormGuard } from './context.ts'

export interface ConsentServices {
  readonly provider: Provider
  readonly mfa: Pick<ServerMfa, 'accounts'>
  readonly accounts: Accounts
  readonly show: ShowPage
  readonly forms: FormGuard
  readonly record: Record
  readonly box: SecretBox
}

/** Both forms of the page have the same purpose; their addresses differ. */
const PURPOSE = 'consent'

/** The permissions that the host found missing in the grant. */
interface Missing {
  readonly missingOIDCScope?: readonly string[]
  readonly missingOIDCClaims?: readonly string[]
  readonly missingResourceScopes?: Readonly<{ [indicator: string]: readonly string[] }>
}

/** The consent page: it names the app and what it gets. If the person refuses, the app gets `access_denied`. */
export function addConsentRoutes(router: Router, services: ConsentServices): void {
  const { provider, forms, record } = services

  router.post('/interaction/:uid/consent', async (ctx) => {
    const { uid = '' } = ctx.params
    const interaction = await interactionOf(provider, ctx, uid, 'consent')
    await forms.read(ctx, uid, PURPOSE)
    if (!(await isOfLiveSession(services, interaction))) {
      return again(ctx, interaction)
    }
    const parties = partiesOf(interaction)
    const { accountId, clientId } = parties
    const grantId = await widenGrant(services, { interaction, parties })
    if (grantId === undefined) return again(ctx, interaction)
    await record('consent-granted', { accountId, detail: { clientId } })
    await provider.interactionFinished(ctx.req, ctx.res, { consent: { grantId } })
  })

  router.post('/interaction/:uid/refuse', async (ctx) => {
    const { uid = '' } = ctx.params
    const interaction = await interactionOf(provider, ctx, uid, 'consent')
    await forms.read(ctx, uid, PURPOSE)
    const { accountId, clientId } = partiesOf(interaction)
    await record('consent-refused', { accountId, detail: { clientId } })
    await provider.interactionFinished(
      ctx.req,
      ctx.res,
      { error: 'access_denied', error_description: 'the person refused' },
      { mergeWithLastSubmission: false },
    )
  })
}

export async function showConsent(
  { provider, accounts, show, forms }: ConsentServices,
  ctx: Context,
  interaction: Interaction,
): Promise<void> {
  const { uid, prompt, params, session } = interaction
  const missing = prompt.details as Missing
  const account = session && (await accounts.byId(session.accountId))?.account
  const scopes = missing.missingOIDCScope ?? []
  const client = await findClient(provider, String(params['client_id']))
  const about = client === undefined ? {} : pagesOf(client)
  await show(
    ctx,
    'consent',
    {
      action: `/interaction/${uid}/consent`,
      refuseAction: `/interaction/${uid}/refuse`,
      csrf: forms.token(uid, PURPOSE),
      scopes,
      claims: (missing.missingOIDCClaims ?? []).filter((claim) => !ABOUT_SIGN_IN.has(claim)),
      resources: Object.entries(missing.missingResourceScopes ?? {}).map(
        ([indicator, resourceScopes]) => ({ indicator, scopes: resourceScopes }),
      ),
      offline: asksWhileAway(params['scope']),
      ...(Object.keys(about).length === 0 ? {} : { about }),
    },
    {
      ...(await aboutInteraction(provider, interaction)),
      ...(account ? { accountLabel: account.username, language: chosenLanguage(account) } : {}),
    },
  )
}

function asksWhileAway(scope: unknown): boolean {
  return typeof scope === 'string' && scope.split(' ').includes('offline_access')
}

/** Claims about the sign-in, not about the person. */
const ABOUT_SIGN_IN = new Set([
  'acr',
  'amr',
  'auth_time',
  'authn_factors',
  'iss',
  'nonce',
  'sid',
  'sub',
])

function partiesOf({ session, params }: Interaction): Parties {
  const { client_id: clientId } = params
  if (session === undefined || typeof clientId !== 'string')
    throw new TypeError('consent is asked for without a person or an app')
  return { accountId: session.accountId, clientId }
}

/** The host repeats its checks: the person signs in, or is asked for consent, for the same app. */
async function again(ctx: Context, interaction: Interaction): Promise<void> {
  ctx.redirect(await answer(interaction, {}))
  ctx.status = 303
}

/** Undefined: the access of the app was ended meanwhile, so nothing that was given before counts. */
async function widenGrant(
  { provider, mfa, box }: Pick<ConsentServices, 'provider' | 'mfa' | 'box'>,
  { interaction, parties }: { readonly interaction: Interaction; readonly parties: Parties },
): Promise<string | undefined> {
  const { accountId, clientId } = parties
  const endings = await mfa.accounts.accessEndings(accountId, clientId)
  const { grantId, prompt } = interaction
  const grant = (await findGrant(provider, grantId)) ?? newGrant(provider, parties)
  const { missingOIDCScope, missingOIDCClaims, missingResourceScopes } = prompt.details as Missing
  give(grant, {
    scopes: missingOIDCScope,
    claims: missingOIDCClaims,
    resources: missingResourceScopes,
  })
  await rememberConsent(provider, box, { given: grant, parties })
  const saved = await grant.save()
  if ((await mfa.accounts.accessEndings(accountId, clientId)) === endings) return saved
  await Promise.all([endGrant(provider, saved), forgetConsent(provider, box, parties)])
  return undefined
}
