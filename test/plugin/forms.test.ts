import { expect } from 'chai'
import { request as httpRequest } from 'node:http'
import type { MfaError } from '../../src/index.ts'
import { secretOf } from '../support/enrolment.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { totpCode } from '../support/totp.ts'
import { callbackOf, follow, showPassword, startHost, type Host } from './host.ts'
import { enrolledPerson, nextCode, uidOf, type Person } from './sign-in.ts'

/** The paths below `/mfa/<uid>` that accept a POST. */
const POSTS = [
  'choose',
  'verify/totp',
  'verify/backup-codes',
  'enrol/totp',
  'proof',
  'proof/send',
  'backup-codes',
  'backup-codes-low',
  'factor-ends',
  'not-you',
  'cancel',
]

describe('a form that is posted to the plugin', () => {
  let host: Host
  let mira: Person
  let browser: HttpClient
  let verify: Page
  let csrf: string

  beforeEach(async () => {
    host = await startHost()
    mira = await enrolledPerson(host)
    browser = new HttpClient()
    verify = await showPassword(host, browser, 'mira')
    csrf = verify.form().fields.csrf!
  })
  afterEach(async () => host.close())

  const at = (path: string): URL => new URL(`/mfa/${uidOf(verify)}/${path}`, host.issuer)
  /** Posts to each path; expects the same refusal, no write, and a sign-in that can still be completed. */
  const expectRefused = async (
    post: (url: URL) => Promise<Page>,
    status: number,
    name: string,
  ): Promise<void> => {
    const before = host.writes.length
    for (const path of POSTS) {
      const refused = await post(at(path))
      expect([refused.status, refused.name], path).to.deep.equal([status, name])
    }
    expect(host.writes).to.have.length(before)
    const accepted = await browser.submit(verify, { code: nextCode(host, mira) })
    expect(callbackOf(await follow(host, browser, accepted)).get('code')).to.be.a('string')
  }
  const fields = () => ({ csrf, code: nextCode(host, mira), factor: 'totp' })

  it('R30 is refused without its token', async () => {
    await expectRefused((url) => browser.post(url, { ...fields(), csrf: '' }), 403, 'forbidden')
  })

  it('R30 is refused with a token that was made up', async () => {
    const forged = `${csrf.slice(0, -2)}AA`
    await expectRefused((url) => browser.post(url, { ...fields(), csrf: forged }), 403, 'forbidden')
  })

  it("R30 is refused with the token of the attacker's own sign-in", async () => {
    const own = await showPassword(host, new HttpClient(), 'mallory')
    const theirs = own.form().fields.csrf!
    await expectRefused((url) => browser.post(url, { ...fields(), csrf: theirs }), 403, 'forbidden')
  })

  for (const [origin, headers] of Object.entries({
    'another origin': { origin: 'https://evil.example' },
    'a sandboxed frame': { origin: 'null', 'sec-fetch-site': 'cross-site' },
    'another port of this host': { origin: 'http://127.0.0.1:1' },
    'another site, as the browser says': { 'sec-fetch-site': 'cross-site' },
    'a sibling subdomain, as the browser says': { 'sec-fetch-site': 'same-site' },
  }))
    it(`R30 is refused from ${origin}, its token notwithstanding`, async () => {
      await expectRefused((url) => browser.post(url, fields(), { headers }), 403, 'forbidden')
    })

  it('goes on to the token check behind a proxy that makes the browser send Origin: null', async () => {
    const headers = { origin: 'null', 'sec-fetch-site': 'same-origin' }
    const refused = await browser.post(at('verify/totp'), { ...fields(), csrf: 'x' }, { headers })
    expect(refused.status).to.equal(403)
    const accepted = await browser.post(at('verify/totp'), fields(), { headers })
    expect(accepted.status).to.equal(303)
  })

  it('R47 tells the application why it was refused, and the sender nothing', async () => {
    const causes: string[] = []
    const provider: NodeJS.EventEmitter = host.provider
    provider.on('mfa.form_refused', (_ctx: unknown, error: MfaError) => {
      causes.push(`${error.code}: ${error.message}`)
    })
    const elsewhere = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
    const far = await browser.post(at('verify/totp'), fields(), { headers: elsewhere })
    await browser.post(at('verify/totp'), { ...fields(), csrf: '' })
    await browser.post(at('verify/totp'), { ...fields(), csrf: 'x' })
    expect(causes).to.have.length(3)
    expect(causes[0]).to.match(/^form-forged: .*Origin is https:\/\/evil\.example/)
    expect(causes[1]).to.match(/has no csrf field/)
    expect(causes[2]).to.match(/made for another form/)
    expect(far.body).to.not.include('evil.example')
  })

  for (const type of [
    'application/json',
    'text/plain',
    'multipart/form-data; boundary=x',
    'application/x-www-form-urlencoded; charset=utf-16',
    '',
  ])
    it(`R34 is 415 as ${type || 'nothing in particular'}`, async () => {
      await expectRefused(
        (url) =>
          browser.postRaw(url, new URLSearchParams(fields()).toString(), {
            headers: { 'content-type': type },
          }),
        415,
        'error',
      )
    })

  it('R34 is 415 when it is compressed', async () => {
    const headers = { 'content-encoding': 'gzip' }
    await expectRefused((url) => browser.post(url, fields(), { headers }), 415, 'error')
  })

  it('R34 is 413 when it is too large, and is not read on', async () => {
    const large = { ...fields(), name: 'x'.repeat(20_000) }
    await expectRefused((url) => browser.post(url, large), 413, 'error')
    const unsaid = await postChunks(at('verify/totp'), 64)
    expect(unsaid).to.equal(413)
  })

  for (const [kind, spoil] of Object.entries({
    'a field twice': (form: string) => `${form}&code=123456`,
    'a field as a list': (form: string) => `${form}&code%5B%5D=123456`,
    'an operator': (form: string) => form.replace('code=', 'code%5B%24ne%5D='),
    'a null byte': (form: string) => `${form}&name=a%00b`,
    'a prototype key': (form: string) => `${form}&__proto__=x`,
    'a nested prototype key': (form: string) => `${form}&__proto__%5Badmin%5D=x`,
    'a constructor': (form: string) => `${form}&constructor=x`,
    'bytes that are not UTF-8': (form: string) => `${form}&name=%ff%fe`,
    'a broken escape': (form: string) => `${form}&name=%zz`,
    'a path as a name': (form: string) => `${form}&a.b=x`,
    'fields without end': (form: string) =>
      form + Array.from({ length: 60 }, (_, nth) => `&f${nth}=`).join(''),
  }))
    it(`R34 is 400 with ${kind}`, async () => {
      await expectRefused(
        (url) => browser.postRaw(url, spoil(new URLSearchParams(fields()).toString())),
        400,
        'error',
      )
    })

  it('R34 is 400 for a factor that there is not, whatever it is called', async () => {
    for (const factor of ['nope', '__proto__', 'constructor', 'owner-proof', '']) {
      const chosen = await browser.post(at('choose'), { csrf, factor })
      expect(chosen.status, `choose ${factor}`).to.equal(400)
    }
    const writes = host.writes.length
    for (const factor of ['nope', '__proto__', 'owner-proof', '%2e%2e%2f', 'a%00b'])
      for (const deed of ['verify', 'enrol']) {
        const url = new URL(`/mfa/${uidOf(verify)}/${deed}/${factor}`, host.issuer)
        expect((await browser.get(url)).status, url.pathname).to.equal(400)
        const posted = await browser.post(url, { csrf, code: '123456' })
        expect(posted.status, url.pathname).to.equal(400)
      }
    expect(host.writes).to.have.length(writes)
  })

  it('R34 is 4xx at an address that cannot be read', async () => {
    for (const path of ['verify/%E0%A4%A', 'verify/%ff', '%00', 'verify/totp/more', 'nowhere']) {
      const url = `${host.issuer}/mfa/${uidOf(verify)}/${path}`
      for (const page of [await browser.get(url), await browser.post(url, { csrf })]) {
        expect(page.status, path).to.be.within(400, 404)
        expect(page.name, path).to.be.a('string')
      }
    }
    expect(host.faults).to.deep.equal([])
  })

  it('R22 is answered 303 where it leads on, never 307', async () => {
    const noor = new HttpClient()
    const setUp = await showPassword(host, noor, 'noor')
    const code = totpCode({ secret: secretOf(setUp) }, host.clock.at)
    const shown = await follow(host, noor, await noor.submit(setUp, { code }))
    await noor.submit(shown, { saved: 'yes' })
    await browser.submit(verify, { code: nextCode(host, mira) })
    const cancelled = await showPassword(host, new HttpClient(), 'mira')
    expect(cancelled.name).to.equal('totp-verify')
    const redirected = host.answers.filter(
      ({ method, address, status }) =>
        method === 'POST' && address.startsWith('/mfa/') && status < 400,
    )
    expect(redirected.length).to.be.at.least(4)
    for (const { address, status, headers } of redirected) {
      expect(status, address).to.equal(303)
      expect(headers['cache-control'], address).to.equal('no-store')
    }
  })

  it('R34 does not answer other methods, and writes nothing for them', async () => {
    const before = host.writes.length
    for (const path of ['', '/choose', '/verify/totp', '/backup-codes', '/cancel'])
      for (const method of ['PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD', 'PROPFIND']) {
        const url = new URL(`/mfa/${uidOf(verify)}${path}`, host.issuer)
        const { status, body } = await send(browser, method, url)
        const shown = method === 'HEAD' && ['', '/choose', '/verify/totp'].includes(path)
        expect(status, `${method} ${path}`).to.satisfy((code: number) =>
          shown ? code === 200 : code >= 400 && code < 500,
        )
        if (method === 'HEAD') expect(body, path).to.equal('')
      }
    expect(host.writes).to.have.length(before)
  })
})

function send(browser: HttpClient, method: string, url: URL) {
  return new Promise<{ status: number; body: string }>((resolve, reject) => {
    const headers = { cookie: browser.jar.header(url) ?? '', origin: url.origin }
    const outgoing = httpRequest(url, { method, headers, agent: false }, (incoming) => {
      let body = ''
      incoming.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, body }))
    })
    outgoing.on('error', reject).end()
  })
}

/** Sends a body without Content-Length, in pieces of one kilobyte, and returns the status of the response. */
function postChunks(url: URL, kilobytes: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      origin: url.origin,
      'transfer-encoding': 'chunked',
    }
    const outgoing = httpRequest(url, { method: 'POST', headers, agent: false }, (incoming) => {
      incoming.resume()
      resolve(incoming.statusCode ?? 0)
      outgoing.destroy()
    })
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error)
    })
    for (let sent = 0; sent < kilobytes; sent += 1) outgoing.write(`name=${'x'.repeat(1019)}`)
    outgoing.end()
  })
}
