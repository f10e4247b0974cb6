import { expect } from 'chai'
import type { SoftAuthenticator } from '../support/authenticator.ts'
import { type HttpClient, type Page } from '../support/http-client.ts'
import { optionsOf } from '../support/passkey-options.ts'
import { follow, showPassword, type Host } from './host.ts'

/** Sets up the passkey in a first sign-in; returns the page at which the sign-in ends. */
export async function enrolPasskey(
  host: Host,
  browser: HttpClient,
  key: SoftAuthenticator,
  username = 'mira',
): Promise<Page> {
  const first = await showPassword(host, browser, username)
  const page =
    first.name === 'mfa-choose'
      ? await follow(host, browser, await browser.submit(first, { factor: 'passkey' }))
      : first
  const credential = key.create(optionsOf(page))
  const codes = await follow(host, browser, await browser.submit(page, { credential }))
  expect(codes.name, codes.body).to.equal('backup-codes')
  return follow(host, browser, await browser.submit(codes, { saved: 'yes' }))
}

/** Opens the page that asks for the passkey in a new sign-in. */
export async function openPasskeyPage(
  host: Host,
  browser: HttpClient,
  parameters: Record<string, string> = { prompt: 'login' },
  username = 'mira',
): Promise<Page> {
  const page = await showPassword(host, browser, username, parameters)
  if (page.name === 'passkey-verify') return page
  const ways = await browser.get(page.link('[data-other-way]'))
  const chosen = await browser.submit(ways, { factor: 'passkey' })
  return follow(host, browser, chosen)
}
