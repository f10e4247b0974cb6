import type { IncomingMessage, ServerResponse } from 'node:http'
import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import { isForDevice, type Interaction } from './interaction.ts'
import type { HostClient } from './provider.ts'

/** An interaction, loaded or stored, with the data by which its authorization is resumed. */
export type Resumable = Pick<Interaction, 'params'> &
  Partial<
    Pick<Interaction, 'uid' | 'deviceCode' | 'trusted' | 'result' | 'session' | 'lastSubmission'>
  >

/** The `login` of an interaction's result. `ts` and `loginTs` are seconds since the epoch of Unix. */
export interface ResumedLogin {
  readonly accountId: string
  readonly amr: readonly string[]
  readonly ts: number
  readonly remember?: boolean | undefined
}

/**
 * A context that looks to an application's functions as the host's own does when it resumes the authorization of
 * `interaction` with `login`: the person is in the session. Nothing is stored.
 */
export function contextOfResume(
  provider: Provider,
  { request, response }: { readonly request: IncomingMessage; readonly response: ServerResponse },
  interaction: Resumable,
  { client, login }: { readonly client: HostClient; readonly login: ResumedLogin },
): KoaContextWithOIDC {
  const ctx = contextOfPage(provider, { request, response }, interaction, client)
  const session = sessionOf(provider, interaction, login)
  Object.assign(ctx.oidc, { result: { ...interaction.result, login }, session })
  ctx.oidc.entity('Session', session)
  return ctx
}

/** A context that looks to an application's functions as the host's own does when it asks for the page of `interaction`. */
export function contextOfPage(
  provider: Provider,
  { request, response }: { readonly request: IncomingMessage; readonly response: ServerResponse },
  interaction: Resumable,
  client: HostClient,
): KoaContextWithOIDC {
  const ctx = provider.createContext(request, response) as unknown as KoaContextWithOIDC
  const oidc = new provider.OIDCContext(ctx)
  Object.defineProperty(ctx, 'oidc', { value: oidc })
  Object.assign(oidc, {
    route: isForDevice(interaction) ? 'device_resume' : 'resume',
    params: interaction.params,
    trusted: interaction.trusted,
  })
  oidc.entity('Client', client)
  oidc.entity('Interaction', interaction)
  return ctx
}

function sessionOf(
  { Session }: Provider,
  { session }: Resumable,
  { accountId, ts, amr }: ResumedLogin,
): InstanceType<Provider['Session']> {
  const known = session === undefined ? {} : { uid: session.uid, jti: session.cookie }
  return Object.assign(new Session(), { ...known, accountId, loginTs: ts, amr: [...amr] })
}
