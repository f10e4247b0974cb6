import { Agent, request, type IncomingHttpHeaders } from 'node:http'
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose'
import { CookieJar } from '../test/support/cookie-jar.ts'
import { ownCode } from '../test/support/totp.ts'
import { CLIENT } from './host.ts'
import { PASSWORD } from './passwords.ts'
import { answerOf } from './passkey.ts'
import type { Person } from './people.ts'

const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
const VERIFIER = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'

/** The measured servers listen at 127.0.0.1 alone, and `localhost` may be an IPv6 address too. */
const CONNECTION = { keepAlive: true, family: 4 } as const

/** A relying party and its people's browsers. */
export interface RelyingParty {
  /**
   * One whole sign-in, from the authorization request to a verified ID token: with the passkey of a person who has one,
   * else with the password, and with a code only if the server asks for one.
   */
  signIn(person: Person): Promise<void>
  close(): void
}

export async function openRelyingParty(issuer: string): Promise<RelyingParty> {
  const backChannel = new Agent(CONNECTION)
  const keys = createLocalJWKSet(
    JSON.parse((await send(backChannel, 'GET', new URL('/jwks', issuer))).body) as JSONWebKeySet,
  )
  return {
    async signIn(person) {
      // Each sign-in comes from a browser of its own, which keeps its connection as browsers do.
      const agent = new Agent(CONNECTION)
      try {
        const code = await authorize(agent, issuer, person)
        await redeem(backChannel, { issuer, keys, code, username: person.username })
      } finally {
        agent.destroy()
      }
    },
    close: () => backChannel.destroy(),
  }
}

async function authorize(agent: Agent, issuer: string, person: Person): Promise<string> {
  const jar = new CookieJar()
  const visit = async (method: string, url: URL, fields?: Record<string, string>) => {
    const cookie = jar.header(url)
    const answer = await send(agent, method, url, fields, {
      accept: 'text/html',
      'accept-language': 'en-GB,en;q=0.8',
      'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
      ...(method === 'POST' ? { origin: issuer, 'sec-fetch-site': 'same-origin' } : {}),
      ...(cookie === undefined ? {} : { cookie }),
    })
    jar.store(url, answer.headers['set-cookie'] ?? [])
    return answer
  }
  let url = new URL('/auth', issuer)
  url.search = new URLSearchParams({
    client_id: CLIENT.client_id,
    response_type: 'code',
    redirect_uri: CLIENT.redirect_uris[0]!,
    scope: 'openid email',
    code_challenge: CHALLENGE,
    code_challenge_method: 'S256',
    state: 'the-state',
    nonce: person.username,
  }).toString()
  let answer = await visit('GET', url)
  for (let hops = 0; hops < 20; hops += 1) {
    const { location } = answer.headers
    if (location !== undefined) {
      url = new URL(location, url)
      if (url.origin !== issuer) return url.searchParams.get('code') ?? fail(url.href)
      answer = await visit('GET', url)
      continue
    }
    if (answer.status !== 200) fail(`${answer.status} ${url.href} ${answer.body.slice(0, 500)}`)
    const form = formOf(answer.body) ?? fail(`no form at ${url.href}`)
    const fields = fillIn(form, person, issuer)
    url = new URL(form.action === '' ? url : form.action, url)
    answer = await visit('POST', url, { ...form.fields, ...fields })
  }
  return fail('no end of redirects')
}

/** The fields that the person or the browser fills in. */
function fillIn(form: ShownForm, person: Person, origin: string): Record<string, string> {
  if (form.passkeyOptions !== undefined) {
    const passkey = person.passkey ?? fail(`${person.username} has no passkey`)
    return { credential: answerOf(passkey, form.passkeyOptions, origin) }
  }
  return 'password' in form.fields
    ? { username: person.username, password: PASSWORD }
    : { code: ownCode(person, Math.floor(Date.now() / 1000)) }
}

interface ShownForm {
  readonly action: string
  readonly fields: Record<string, string>
  /** The options of the browser's call, where the form is that of a passkey. */
  readonly passkeyOptions?: string
}

/**
 * Finds the first form of one of our pages by pattern. The parser of the tests takes 0.35 ms a page on the CPUs that
 * the measured server shares with this client, and a sign-in with a second factor has one page more.
 */
function formOf(html: string): ShownForm | undefined {
  const [form] = /<form\b.*?<\/form>/s.exec(html) ?? []
  if (form === undefined) return undefined
  const attribute = (tag: string, name: string) =>
    new RegExp(` ${name}="([^"]*)"`).exec(tag)?.[1] ?? ''
  const inputs = [...form.matchAll(/<input\b[^>]*>/g)].map(([input]) => input)
  const options = attribute(form, 'data-passkey-options').replaceAll('&quot;', '"')
  return {
    action: attribute(form, 'action'),
    ...(options === '' ? {} : { passkeyOptions: options }),
    fields: Object.fromEntries(
      inputs.map((input) => [attribute(input, 'name'), attribute(input, 'value')]),
    ),
  }
}

async function redeem(
  agent: Agent,
  about: { issuer: string; keys: JWTVerifyGetKey; code: string; username: string },
): Promise<void> {
  const { issuer, keys, code, username } = about
  const basic = Buffer.from(`${CLIENT.client_id}:${CLIENT.client_secret}`).toString('base64')
  const answer = await send(
    agent,
    'POST',
    new URL('/token', issuer),
    {
      grant_type: 'authorization_code',
      code,
      redirect_uri: CLIENT.redirect_uris[0]!,
      code_verifier: VERIFIER,
    },
    { authorization: `Basic ${basic}` },
  )
  const { id_token: idToken } = JSON.parse(answer.body) as { id_token?: string }
  const { payload } = await jwtVerify(idToken ?? fail(answer.body), keys, {
    issuer,
    audience: CLIENT.client_id,
  })
  // The complete server's `sub` is an id of its own; the nonce shows whose sign-in the token is of.
  if (payload.sub === undefined || payload.nonce !== username) fail(JSON.stringify(payload))
}

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

function send(
  agent: Agent,
  method: string,
  url: URL,
  fields?: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const body = fields === undefined ? undefined : new URLSearchParams(fields).toString()
  const form =
    body === undefined
      ? {}
      : {
          'content-type': 'application/x-www-form-urlencoded',
          'content-length': String(Buffer.byteLength(body)),
        }
  return new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      { agent, method, headers: { ...headers, ...form } },
      (incoming) => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
        incoming.on('error', reject)
        incoming.on('end', () =>
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            body: Buffer.concat(chunks).toString(),
          }),
        )
      },
    )
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

function fail(why: string): never {
  throw new Error(`The sign-in did not go through: ${why}`)
}
