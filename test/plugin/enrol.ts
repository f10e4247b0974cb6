import { backupCodesOf, secretOf } from '../support/enrolment.ts'
import { type HttpClient, type Page } from '../support/http-client.ts'
import { totpCode } from '../support/totp.ts'
import { follow, showPassword } from './host.ts'

/** Sets up an authenticator app in a first sign-in that ends at the relying party. */
export async function enrol(
  host: { readonly issuer: string; readonly clock: { readonly at: number } },
  client: HttpClient,
  username: string,
  parameters: Record<string, string> = {},
): Promise<{ secret: string; codes: string[]; callback: Page }> {
  return enrolFrom(host, client, await showPassword(host, client, username, parameters))
}

/** The same from the page that follows the first factor. */
export async function enrolFrom(
  host: { readonly issuer: string; readonly clock: { readonly at: number } },
  client: HttpClient,
  first: Page,
): Promise<{ secret: string; codes: string[]; callback: Page }> {
  const setUp =
    first.name === 'mfa-choose'
      ? await follow(host, client, await client.submit(first, { factor: 'totp' }))
      : first
  const secret = secretOf(setUp)
  const confirmed = await client.submit(setUp, {
    code: totpCode({ secret }, host.clock.at),
    name: 'Phone',
  })
  const shown = await follow(host, client, confirmed)
  const codes = backupCodesOf(shown)
  const callback = await follow(host, client, await client.submit(shown, { saved: 'yes' }))
  return { secret, codes, callback }
}
