import { type HttpClient, type Page } from '../support/http-client.ts'
import { totpCode } from '../support/totp.ts'
import { follow, showPassword } from './host.ts'

/** The key that a set-up page shows for typing. */
export function secretOf(page: Page): string {
  return /id="totp-secret"[^>]*>([^<]+)</.exec(page.body)![1]!.replaceAll(/\s/g, '')
}

/** Sets up an authenticator app in a first sign-in, up to the relying party. */
export async function enrol(
  host: { readonly issuer: string; readonly clock: { readonly at: number } },
  client: HttpClient,
  username: string,
): Promise<{ secret: string; codes: string[]; callback: Page }> {
  const choose = await showPassword(host, client, username)
  const setUp = await follow(host, client, await client.submit(choose, { factor: 'totp' }))
  const secret = secretOf(setUp)
  const confirmed = await client.submit(setUp, {
    code: totpCode({ secret }, host.clock.at),
    name: 'Phone',
  })
  const shown = await follow(host, client, confirmed)
  const codes = [...shown.body.matchAll(/<li[^>]*>\s*([0-9]-[A-Z0-9-]+)/g)].map(
    (match) => match[1]!,
  )
  const callback = await follow(host, client, await client.submit(shown, { saved: 'yes' }))
  return { secret, codes, callback }
}
