import { HttpClient, type Page } from '../support/http-client.ts'
import { authorizeUrl, callbackOf, CLIENT, follow, PASSWORD, type Host } from '../plugin/host.ts'
import { nextCode, wrongCode, type Person } from '../plugin/sign-in.ts'

/** The response to a step of a sign-in, from any of its sources. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
  readonly name?: string | undefined
}

export interface Step {
  readonly name: string
  /** The source of the response: a page of the plugin, a route of the host, or the application's own login page. */
  readonly by: 'plugin' | 'host' | 'application'
  /** Whether the step writes to the storage. */
  readonly writes: boolean
  /** Whether the step reads the MFA record. */
  readonly readsRecord: boolean
  /** The status codes of the response while the storage works. */
  readonly ordinary: readonly number[]
  /** Goes to the page before the step in a new browser; returns a function that performs the step. */
  prepare(host: Host, person: Person): Promise<{ browser: HttpClient; act: () => Promise<Answer> }>
}

type Way = (host: Host, person: Person, browser: HttpClient) => Promise<() => Promise<Page>>

const authorization: Way = async (host, _person, browser) => () => browser.get(authorizeUrl(host))

/** The step after `way`: performs `way` and returns a function that follows its redirect. */
const after =
  (way: Way): Way =>
  async (host, person, browser) => {
    const page = await (await way(host, person, browser))()
    if (page.location === undefined)
      throw new Error(`${page.status} ${page.url.href} leads nowhere`)
    const { location } = page
    return () => browser.get(location)
  }

const password: Way = async (host, { username }, browser) => {
  const login = await (await after(authorization)(host, { username } as Person, browser))()
  return () => browser.post(login.url, { username, password: PASSWORD })
}

const typing =
  (codeOf: (host: Host, person: Person) => string): Way =>
  async (host, person, browser) => {
    const page = await (await after(after(password))(host, person, browser))()
    // The code is computed here because `codeOf` may move the clock, which must not move during the other steps.
    const code = codeOf(host, person)
    return () => browser.submit(page, { code })
  }

const rightCode = typing(nextCode)

function step(
  name: string,
  by: Step['by'],
  needs: Pick<Step, 'writes' | 'readsRecord'>,
  way: Way,
): Step {
  return {
    name,
    by,
    ...needs,
    ordinary: [200, 303, 422],
    async prepare(host, person) {
      const browser = new HttpClient()
      return { browser, act: await way(host, person, browser) }
    },
  }
}

export const STEPS: readonly Step[] = [
  step('the authorization request', 'host', { writes: true, readsRecord: false }, authorization),
  step(
    'the login page',
    'application',
    { writes: false, readsRecord: false },
    after(authorization),
  ),
  step('the password', 'application', { writes: true, readsRecord: true }, password),
  step('the way to the code page', 'host', { writes: true, readsRecord: true }, after(password)),
  step('the code page', 'plugin', { writes: false, readsRecord: true }, after(after(password))),
  step('a wrong code', 'plugin', { writes: true, readsRecord: true }, typing(wrongCode)),
  step('the right code', 'plugin', { writes: true, readsRecord: true }, rightCode),
  step('the way back to the app', 'host', { writes: true, readsRecord: true }, after(rightCode)),
  {
    name: 'the token',
    by: 'host',
    writes: true,
    readsRecord: true,
    ordinary: [200],
    async prepare(host, person) {
      const browser = new HttpClient()
      const back = await (await after(rightCode)(host, person, browser))()
      const code = callbackOf(await follow(host, browser, back)).get('code')!
      return { browser, act: () => redeemed(host, code) }
    },
  },
]

async function redeemed(host: Host, code: string): Promise<Answer> {
  const basic = Buffer.from(`${CLIENT.client_id}:${CLIENT.client_secret}`).toString('base64')
  const response = await fetch(new URL('/token', host.issuer), {
    method: 'POST',
    headers: { authorization: `Basic ${basic}` },
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code,
      redirect_uri: CLIENT.redirect_uris[0]!,
      code_verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
    }),
  })
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: await response.text(),
  }
}
