import { expect } from 'chai'
import type { MfaEvent, MfaOptions } from '../../src/index.ts'
import { secretOf } from '../support/enrolment.ts'
import type { HttpClient, Page } from '../support/http-client.ts'
import { totpCode } from '../support/totp.ts'
import { authorizeUrl, callbackOf, follow, startHost, type Host, type HostOptions } from './host.ts'
import { enrolledPerson, nextCode, type Person } from './sign-in.ts'

/** The host of the present test, whose client `app` may ask for changes of factors. */
export let host: Host
export let mira: Person

const MANAGED: Partial<MfaOptions> = { manage: { clients: ['app'] } }

/** Starts a host where nobody has enrolled. `options.mfa` is added to the options that let `app` ask for changes. */
export async function open(options: HostOptions = {}): Promise<void> {
  host = await startHost({ ...options, mfa: { ...MANAGED, ...options.mfa } })
}

/** Starts a host where mira has an authenticator app and backup codes, and is signed in. */
export async function begin(options: HostOptions = {}): Promise<void> {
  await open(options)
  mira = await enrolledPerson(host)
}

export const end = async (): Promise<void> => host.close()

/** Asks for a change in a browser that is signed in; returns the first page of the change. */
export async function ask(action: string, browser: HttpClient = mira.browser): Promise<Page> {
  return follow(host, browser, await browser.get(authorizeUrl(host, { mfa_action: action })))
}

/** Asks for a change and enters a fresh code; returns the page on which the change is made. */
export async function prove(action: string, browser: HttpClient = mira.browser): Promise<Page> {
  const verify = await ask(action, browser)
  expect(verify.name).to.equal('totp-verify')
  const answer = await browser.submit(verify, { code: nextCode(host, mira) })
  return follow(host, browser, answer)
}

export async function press(
  page: Page,
  values = {},
  browser: HttpClient = mira.browser,
): Promise<Page> {
  return follow(host, browser, await browser.submit(page, values))
}

export async function factors() {
  return (await host.mfa.accounts.status('mira')).factors
}
export const ids = async (factor: string): Promise<string[]> =>
  (await factors()).filter((one) => one.factor === factor).map(({ id }) => id)

export async function eventsOf(...types: string[]): Promise<MfaEvent[]> {
  await host.mfa.settled()
  return host.events.filter(({ type }) => types.includes(type))
}

/** Adds a second authenticator app; returns its secret and the page on which the browser arrived. */
export async function add(browser: HttpClient = mira.browser) {
  const choose = await prove('add', browser)
  const setUp = await press(choose, { factor: 'totp' }, browser)
  const secret = secretOf(setUp)
  const code = totpCode({ secret }, host.clock.at)
  const back = await press(setUp, { code, name: 'Tablet' }, browser)
  return { secret, code, setUp, back }
}

export const isSignedIn = async (browser: HttpClient): Promise<boolean> => {
  const silent = callbackOf(await browser.get(authorizeUrl(host, { prompt: 'none' })))
  return silent.get('error') === null
}
