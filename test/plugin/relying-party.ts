import { CLIENT, type Host } from './host.ts'

export interface Answered {
  readonly status: number
  readonly json: Record<string, unknown>
}

/** Calls an endpoint as an authenticated client does. */
export async function asClient(
  host: Pick<Host, 'issuer'>,
  path: string,
  fields: Record<string, string>,
  clientId = 'app',
): Promise<Answered> {
  const basic = Buffer.from(`${clientId}:${CLIENT.client_secret}`).toString('base64')
  const response = await fetch(new URL(path, host.issuer), {
    method: 'POST',
    headers: { authorization: `Basic ${basic}` },
    body: new URLSearchParams(fields),
  })
  return { status: response.status, json: (await response.json()) as Record<string, unknown> }
}

export function refresh(
  host: Pick<Host, 'issuer'>,
  refreshToken: string,
  clientId = 'app',
): Promise<Answered> {
  const fields = { grant_type: 'refresh_token', refresh_token: refreshToken }
  return asClient(host, '/token', fields, clientId)
}

export function introspect(host: Pick<Host, 'issuer'>, token: string): Promise<Answered> {
  return asClient(host, '/token/introspection', { token })
}

export async function userinfo(host: Pick<Host, 'issuer'>, accessToken: string): Promise<Answered> {
  const response = await fetch(new URL('/me', host.issuer), {
    headers: { authorization: `Bearer ${accessToken}` },
  })
  return { status: response.status, json: (await response.json()) as Record<string, unknown> }
}
