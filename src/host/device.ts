import { errors, type AdapterPayload, type Provider } from 'oidc-provider'
import type { JsonObject } from '../domain/json.ts'
import { presentContext, routeOf, type OIDC } from './context.ts'
import { given } from './given.ts'

const LOGIN = 'login'

/**
 * Keeps `prompt=login` of a device's request with its device code. The host keeps it only where it results from
 * `max_age=0`, and reads it in neither case.
 */
export function withPromptOfRequest(deviceCode: AdapterPayload): AdapterPayload {
  const oidc = presentContext()?.oidc
  if (routeOf(oidc) !== 'device_authorization') return deviceCode
  if (!asksForLogin(promptIn(oidc?.body ?? {}))) return deviceCode
  return { ...deviceCode, params: { ...deviceCode.params, prompt: LOGIN } }
}

interface RequestBody {
  readonly prompt?: unknown
  /** A request object. The host has verified it, and has put a decrypted one in the place of an encrypted one. */
  readonly request?: unknown
}

/** The prompt of a device's request. Beside a request object no other parameter counts (RFC 9101 6.3). */
function promptIn({ prompt, request }: RequestBody): unknown {
  if (typeof request !== 'string') return prompt
  const [, payload = ''] = request.split('.')
  return (JSON.parse(Buffer.from(payload, 'base64url').toString()) as JsonObject)['prompt']
}

/**
 * Lets the host compare the person with the `id_token_hint` of the device when the code is confirmed. The host checks the
 * hint when the device begins, and compares nobody with it. Throws `invalid_request` if its key is gone since.
 */
export async function recallHint(oidc: OIDC): Promise<void> {
  const hint = oidc.deviceCode?.params?.id_token_hint
  if (routeOf(oidc) !== 'code_verification' || typeof hint !== 'string') return
  const { client, provider } = oidc
  try {
    oidc.entity('IdTokenHint', await provider.IdToken.validate(hint, given(client, 'client')))
  } catch {
    throw new errors.InvalidRequest('could not validate id_token_hint')
  }
}

/** Whether the device asked for a new login, by `prompt=login` or `max_age=0`. */
export function deviceAsksForLogin({ deviceCode }: OIDC): boolean {
  return asksForLogin(deviceCode?.params?.prompt)
}

/** The same for the device whose code an interaction answers. False where it answers none, or the code is gone. */
export async function deviceBehindAsksForLogin(
  provider: Provider,
  { deviceCode }: { readonly deviceCode?: string | undefined },
): Promise<boolean> {
  if (deviceCode === undefined) return false
  const found = await provider.DeviceCode.find(deviceCode)
  return asksForLogin(found?.params?.prompt)
}

function asksForLogin(prompt: unknown): boolean {
  return typeof prompt === 'string' && prompt.split(' ').includes(LOGIN)
}
