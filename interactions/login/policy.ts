import type { IncomingMessage, ServerResponse } from 'node:http'
import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import { MfaError } from '../../src/domain/errors.ts'
import type { MfaRecord } from '../../src/domain/mfa-record.ts'
import { PASSWORD_ACR } from '../../src/domain/policy.ts'
import { providerOf, type Core, type HostClient } from '../core.ts'
import { isMoreAsked } from '../decide.ts'
import { acrRequestOf, changeIn, unknownAccount } from '../request.ts'
import type { Interaction, Subject } from '../result.ts'

/** What of an interaction the policy is asked with; as the host keeps it, or as a storage does. */
export type Asking = Pick<Interaction, 'params'> &
  Partial<Pick<Interaction, 'deviceCode' | 'trusted' | 'result' | 'session'>>

/**
 * Whether the policy asks for more than the first factor that the login page has proved. Throws MfaError
 * `interaction-expired`, `account-unknown`.
 */
export async function needsMore(
  core: Core,
  request: IncomingMessage,
  response: ServerResponse,
  interaction: Asking,
  { subject, record }: { readonly subject: Subject; readonly record: MfaRecord },
): Promise<boolean> {
  const { params, deviceCode } = interaction
  const fresh =
    asksFor(interaction, 'mfa') || deviceCode !== undefined || changeIn(params) !== undefined
  return isMoreAsked(
    {
      record,
      rules: core.deps.rules,
      reached: PASSWORD_ACR,
      requested: acrRequestOf({ params }),
      fresh,
    },
    async () => {
      const { ctx, client } = await contextAtResume(core, request, response, interaction, subject)
      const account = await core.account(ctx, subject.accountId)
      if (account === undefined) throw unknownAccount()
      return core.requires({ account, client, params: { ...params } })
    },
  )
}

interface AtResume {
  readonly ctx: KoaContextWithOIDC
  readonly client: HostClient
}

/** A context that looks like the host's at the resume, with the person in the session. */
export async function contextAtResume(
  core: Core,
  request: IncomingMessage,
  response: ServerResponse,
  interaction: Asking,
  subject: Subject,
): Promise<AtResume> {
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
  return { ctx, client }
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
