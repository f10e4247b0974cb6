import type { IncomingMessage, ServerResponse } from 'node:http'
import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import { MfaError } from '../../src/domain/errors.ts'
import { isFactorRequired } from '../../src/domain/import.ts'
import { decide, PASSWORD_ACR } from '../../src/domain/policy.ts'
import { providerOf, type Core } from '../core.ts'
import { acrRequestOf, changeIn, unknownAccount } from '../request.ts'
import type { Interaction, Subject } from '../result.ts'

/** What of an interaction the policy is asked with; as the host keeps it, or as a storage does. */
export type Asking = Pick<Interaction, 'params'> &
  Partial<Pick<Interaction, 'deviceCode' | 'trusted' | 'result' | 'session'>>

/**
 * The policy for somebody who has nothing enrolled: asked in a context that looks like the host's at the resume.
 * Throws MfaError `interaction-expired`, `account-unknown`.
 */
export async function needsMore(
  core: Core,
  request: IncomingMessage,
  response: ServerResponse,
  interaction: Asking,
  subject: Subject,
): Promise<boolean> {
  const provider = providerOf(core)
  const client = await provider.Client.find(String(interaction.params.client_id))
  if (client === undefined)
    throw new MfaError('interaction-expired', 'The client of this sign-in is gone', { status: 410 })
  const ctx = provider.createContext(request, response) as unknown as KoaContextWithOIDC
  const oidc = new provider.OIDCContext(ctx)
  Object.defineProperty(ctx, 'oidc', { value: oidc })
  const { accountId, amr, ts, remember, extra } = subject
  const result = { ...interaction.result, login: { ...extra, accountId, amr, ts, remember } }
  const session = sessionFor(provider, interaction, subject)
  Object.assign(oidc, {
    route: interaction.deviceCode === undefined ? 'resume' : 'device_resume',
    params: interaction.params,
    trusted: interaction.trusted,
    result,
    session,
  })
  oidc.entity('Session', session)
  oidc.entity('Client', client)
  oidc.entity('Interaction', interaction)
  const account = await core.account(ctx, subject.accountId)
  if (account === undefined) throw unknownAccount()
  const { record } = await core.record(ctx, subject.accountId)
  const requested = acrRequestOf(oidc)
  const decision = decide({
    reached: PASSWORD_ACR,
    enrolled: false,
    required: isFactorRequired(
      record,
      await core.requires({ account, client, params: { ...interaction.params } }),
    ),
    fresh:
      asksFor(interaction, 'mfa') ||
      interaction.deviceCode !== undefined ||
      changeIn(interaction.params) !== undefined,
    ...(requested === undefined ? {} : { requested }),
  })
  return decision.step !== 'none'
}

/** As it will be once the person is signed in; it is not stored. */
function sessionFor(
  { Session }: Provider,
  { session }: Asking,
  { accountId, ts, amr }: Subject,
): InstanceType<Provider['Session']> {
  const known = session === undefined ? {} : { uid: session.uid, jti: session.cookie }
  return Object.assign(new Session(), { ...known, accountId, loginTs: ts, amr: [...amr] })
}

function asksFor({ params: { prompt } }: Asking, name: string): boolean {
  return typeof prompt === 'string' && prompt.split(' ').includes(name)
}
