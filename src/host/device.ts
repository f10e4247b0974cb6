import type { AdapterPayload } from 'oidc-provider'
import { presentContext, routeOf, type OIDC } from './context.ts'

const LOGIN = 'login'

/**
 * Keeps `prompt=login` of a device's request with its device code. The host keeps it only where it results from
 * `max_age=0`, and reads it in neither case.
 */
export function withPromptOfRequest(deviceCode: AdapterPayload): AdapterPayload {
  const oidc = presentContext()?.oidc
  if (routeOf(oidc) !== 'device_authorization') return deviceCode
  const { prompt } = (oidc?.body ?? {}) as { prompt?: unknown }
  if (!asksForLogin(prompt)) return deviceCode
  return { ...deviceCode, params: { ...deviceCode.params, prompt: LOGIN } }
}

/** Whether the device asked for a new login, by `prompt=login` or `max_age=0`. */
export function deviceAsksForLogin({ deviceCode }: OIDC): boolean {
  return asksForLogin(deviceCode?.params?.prompt)
}

function asksForLogin(prompt: unknown): boolean {
  return typeof prompt === 'string' && prompt.split(' ').includes(LOGIN)
}
