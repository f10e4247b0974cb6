import { HttpClient, type Page } from '../support/http-client.ts'
import { ownCode, totpCode } from '../support/totp.ts'
import { enrol } from './enrol.ts'
import { follow, showPassword, type Host } from './host.ts'

/** A person with an authenticator app and backup codes, and the browser in which they were set up. */
export interface Person {
  readonly username: string
  readonly secret: string
  readonly codes: readonly string[]
  readonly browser: HttpClient
}

/** Enrols a person, then moves the clock by a minute, so that the present code is not the one that confirmed. */
export async function enrolledPerson(
  host: Pick<Host, 'issuer' | 'clock' | 'mfa'>,
  username = 'mira',
  parameters: Record<string, string> = {},
): Promise<Person> {
  const browser = new HttpClient()
  const { secret, codes } = await enrol(host, browser, username, parameters)
  host.clock.at += 60
  await host.mfa.settled()
  return { username, secret, codes, browser }
}

/** Moves the clock to the next time step and returns its code, which was never used before. */
export function nextCode(host: Pick<Host, 'clock'>, person: Person): string {
  host.clock.at += 30
  return totpCode(person, host.clock.at)
}

/** Six digits that are not the code of any time step near the present one. */
export function wrongCode(host: Host, person: Person, nth = 0): string {
  const near = new Set(
    Array.from({ length: 25 }, (_, step) => ownCode(person, host.clock.at + (step - 20) * 30)),
  )
  const wrong = Array.from({ length: 40 }, (_, value) => String(value).padStart(6, '0'))
  return wrong.filter((code) => !near.has(code))[nth]!
}

/** A backup code that is wrong in its last character. */
export function wrongBackupCode(code: string): string {
  return code.slice(0, -1) + (code.endsWith('2') ? '3' : '2')
}

/** Signs in with password and code; returns the next page, or the redirect that leaves the provider. */
export async function signIn(
  host: Pick<Host, 'issuer' | 'clock'>,
  client: HttpClient,
  person: Person,
  parameters: Record<string, string> = {},
): Promise<Page> {
  const verify = await showPassword(host, client, person.username, parameters)
  const answer = await client.submit(verify, { code: nextCode(host, person) })
  return follow(host, client, answer)
}

/** The uid of the interaction that a page of the plugin belongs to. */
export function uidOf(page: Page): string {
  return /^\/(?:mfa|interaction)\/([^/]+)/.exec(page.url.pathname)![1]!
}

/** A browser's interaction cookies for every path, because an attacker's client is not bound by cookie paths. */
export function interactionCookies(client: HttpClient, uid: string): string {
  return client.jar
    .all()
    .filter(({ key, path }) => key.startsWith('_interaction') && path?.endsWith(uid))
    .map(({ key, value }) => `${key}=${value}`)
    .join('; ')
}
