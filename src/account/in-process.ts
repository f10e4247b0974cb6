import inject, { type DispatchFunc } from 'light-my-request'
import type { Provider } from 'oidc-provider'
import type { CustomFetch } from 'openid-client'

/**
 * Sends requests to the provider of this process without a network. Behind a proxy the issuer's name may lead nowhere
 * from here, and another node would not know this node's client secret.
 */
export function inProcess(provider: Provider): CustomFetch {
  // The application may add middleware until the first request.
  let handle: DispatchFunc | undefined
  return async (address, { method, headers, body }) => {
    handle ??= handlerOf(provider)
    const { host, pathname, search } = new URL(address)
    const {
      statusCode,
      headers: received,
      rawPayload,
    } = await inject(handle, {
      method: method as 'GET',
      url: pathname + search,
      headers: { ...headers, host },
      ...(body === undefined || body === null ? {} : { payload: textOf(body) }),
    })
    const kept = Object.entries(received).map(([name, value]) => [name, String(value)])
    return new Response(new Uint8Array(rawPayload), {
      status: statusCode,
      headers: Object.fromEntries(kept) as Record<string, string>,
    })
  }
}

function handlerOf(provider: Provider): DispatchFunc {
  const callback = provider.callback()
  return (request, response) => void callback(request, response)
}

function textOf(body: unknown): string {
  if (typeof body === 'string' || body instanceof URLSearchParams) return body.toString()
  throw new TypeError('The account pages send forms only')
}
