import { HttpClient, type Page } from '../support/http-client.ts'
import { authorizeUrl, callbackOf, follow, PASSWORD, type Host } from './host.ts'

/** The word of the policy for each page at which a request can stop. */
const WORDS: Readonly<Record<string, string>> = {
  'host-login': 'login',
  'totp-verify': 'verify',
  'totp-enrol': 'enrol',
  'mfa-choose': 'enrol',
  'enrol-later': 'enrol-later',
  // The policy is content, but the app has asked for a higher level, which the person can refuse.
  'mfa-offer': 'pass',
}

/** The decision that a browser sees: the page at which a request has stopped, or the answer to the relying party. */
export function decisionSeen(page: Page): string {
  if (page.location === undefined) return WORDS[page.name ?? ''] ?? `the page ${page.name}`
  const answer = callbackOf(page)
  const error = answer.get('error')
  if (error === null) return answer.has('code') ? 'pass' : 'no answer'
  return error === 'unmet_authentication_requirements' ? 'refuse' : error
}

/** Begins a request, and types the password if the page asks for it. Returns the next page, or the answer. */
export async function requestWithPassword(
  host: Pick<Host, 'issuer'>,
  browser: HttpClient,
  username: string,
  parameters: Record<string, string>,
): Promise<Page> {
  const first = await follow(host, browser, await browser.get(authorizeUrl(host, parameters)))
  if (first.name !== 'host-login') return first
  const answer = await browser.post(first.url, { username, password: PASSWORD })
  return follow(host, browser, answer)
}

/** The browser is closed, and used again: what is left are the cookies by which accounts know it. */
export function withoutSession(
  browser: HttpClient,
  headers: Readonly<Record<string, string>> = {},
): HttpClient {
  const jar = browser.jar.copy()
  for (const name of ['_session', '_session.sig']) jar.delete(name)
  return new HttpClient({ jar, headers })
}
