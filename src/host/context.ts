import { Provider, type KoaContextWithOIDC } from 'oidc-provider'

/** The host's data of one request. */
export type OIDC = KoaContextWithOIDC['oidc']

type Results = Readonly<Record<string, unknown>>

/** The interaction that a request resumes, as far as the plugin reads it. */
export interface ResumedInteraction {
  /** The id under which it is stored. */
  readonly jti: string
  /** Binds all interactions of one authorization: it stays the same from the first prompt to the last. */
  readonly cid?: unknown
  readonly params: Results
  readonly result?: Results
  /** The prompt whose page was shown. */
  readonly prompt?: { readonly name: string }
}

/** The host's request in which the caller runs. Undefined outside of one: in a script, or on a page of the plugin. */
export function presentContext(): KoaContextWithOIDC | undefined {
  return Provider.ctx
}

/** The host's data of the request of a Koa context. Undefined where the host has not begun with the request. */
export function oidcIn(ctx: object): OIDC | undefined {
  return (ctx as { oidc?: OIDC }).oidc
}

/** A Koa context as the host's functions receive it. The host must have begun with the request. */
export function asHostContext(ctx: object): KoaContextWithOIDC {
  return ctx as KoaContextWithOIDC
}

/** The host's name for the route of a request, such as `authorization`, `token` or `resume`. */
export function routeOf(oidc: OIDC | undefined): string | undefined {
  return (oidc as { route?: string } | undefined)?.route
}

/** Whether the host goes on with an authorization because an interaction has been answered. */
export function isResume(oidc: OIDC | undefined): boolean {
  return ['resume', 'device_resume'].includes(routeOf(oidc) ?? '')
}

/** Whether a person is entering or confirming the code of a device. */
export function isDeviceRoute(oidc: OIDC): boolean {
  return ['code_verification', 'device_resume'].includes(routeOf(oidc) ?? '')
}

/** The interaction that is being resumed. Undefined in a request that resumes none. */
export function interactionIn(oidc: OIDC | undefined): ResumedInteraction | undefined {
  return oidc?.entities?.Interaction as ResumedInteraction | undefined
}

/** The grant of a request. Undefined: the person has given the app nothing yet. */
export function grantIn(oidc: OIDC): OIDC['entities']['Grant'] {
  return oidc.entities.Grant
}

/** Whether the authorization request asks for a prompt (`prompt=NAME`) that has not been answered in it yet. */
export function isPromptPending(oidc: OIDC, prompt: string): boolean {
  return oidc.promptPending(prompt)
}

/** The grant types of a token and of the request for it. A grant type of the application's own may name only one. */
export function grantTypesOf(
  ctx: KoaContextWithOIDC | undefined,
  token: object,
): readonly string[] {
  const { gty = '' } = token as { gty?: string }
  const asked =
    routeOf(ctx?.oidc) === 'token' ? (ctx?.oidc.params as Results)['grant_type'] : undefined
  return [...gty.split(' '), ...(typeof asked === 'string' ? [asked] : [])].filter(Boolean)
}
