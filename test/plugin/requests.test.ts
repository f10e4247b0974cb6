import { expect } from 'chai'
import { request as httpRequest } from 'node:http'
import { HttpClient, type Page } from '../support/http-client.ts'
import { totpCode } from '../support/totp.ts'
import { secretOf } from './enrol.ts'
import { callbackOf, follow, showPassword, startHost, type Host } from './host.ts'
import { enrolledPerson, nextCode, signIn, uidOf, wrongCode, type Person } from './sign-in.ts'

/** Everything that can be posted to below `/mfa/<uid>`. */
const POSTS = [
  ...['choose', 'verify/totp', 'verify/backup-codes', 'enrol/totp', 'proof', 'proof/send'],
  ...['backup-codes', 'backup-codes-low', 'cancel'],
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
  /** Posts everywhere and expects the same refusal, nothing written, and the sign-in as good as before. */
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
    'a sandboxed frame': { origin: 'null' },
    'another port of this host': { origin: 'http://127.0.0.1:1' },
    'another site, as the browser says': { 'sec-fetch-site': 'cross-site' },
    'a sibling subdomain, as the browser says': { 'sec-fetch-site': 'same-site' },
  }))
    it(`R30 is refused from ${origin}, its token notwithstanding`, async () => {
      await expectRefused((url) => browser.post(url, fields(), { headers }), 403, 'forbidden')
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
    const choose = await showPassword(host, noor, 'noor')
    const setUp = await follow(host, noor, await noor.submit(choose, { factor: 'totp' }))
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

/** A body in pieces of one kilobyte that does not say how long it will be. */
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

describe('a page of the plugin', () => {
  let host: Host
  beforeEach(async () => {
    host = await startHost()
  })
  afterEach(async () => host.close())

  /** Goes through every page there is, good and bad, and calls back on each. */
  async function walk(visit: (page: Page, browser: HttpClient) => void | Promise<void>) {
    const browser = new HttpClient()
    const see = async (page: Page | Promise<Page>, by = browser): Promise<Page> => {
      const shown = await follow(host, by, await page)
      await visit(shown, by)
      return shown
    }
    const choose = await see(showPassword(host, browser, 'mira'))
    const setUp = await see(browser.submit(choose, { factor: 'totp' }))
    const secret = secretOf(setUp)
    await see(browser.submit(setUp, { code: '000000' }))
    await see(browser.submit(setUp, { code: 'x' }))
    const shown = await see(
      browser.submit(setUp, { code: totpCode({ secret }, host.clock.at), name: 'Phone' }),
    )
    await see(browser.submit(shown))
    const codes = [...shown.body.matchAll(/<li[^>]*>\s*([0-9]-[A-Z0-9-]+)/g)].map(
      ([, code]) => code!,
    )
    const back = await follow(host, browser, await browser.submit(shown, { saved: 'yes' }))
    expect(callbackOf(back).get('code')).to.be.a('string')
    host.clock.at += 60
    const mira: Person = { username: 'mira', secret, codes, browser }

    const stranger = new HttpClient()
    const verify = await see(showPassword(host, stranger, 'mira'), stranger)
    const ways = await see(stranger.get(verify.link(/data-other-way/)), stranger)
    const backup = await see(stranger.submit(ways, { factor: 'backup-codes' }), stranger)
    await see(stranger.submit(backup, { backupCode: codes[0]!.replace(/.$/, '2') }), stranger)
    const action = new URL(verify.form().action, verify.url)
    await see(stranger.post(action, {}), stranger)
    await see(stranger.submit(verify, { csrf: 'x' }), stranger)
    await see(stranger.get(`${verify.url.href}/nowhere`), stranger)
    await see(stranger.get(new URL('/mfa/never-was', host.issuer)), stranger)
    await see(stranger.postRaw(action, '{}', { headers: { 'content-type': 'text/json' } }))
    await see(stranger.postRaw(action, 'x'.repeat(20_000)), stranger)
    for (let nth = 0; nth < 5; nth += 1)
      await see(stranger.submit(verify, { code: wrongCode(host, mira, nth) }), stranger)
    host.clock.at += 30
    for (const backupCode of codes.slice(0, 7)) {
      const other = new HttpClient()
      const first = await showPassword(host, other, 'mira')
      const page = await follow(
        host,
        other,
        await other.submit(await other.get(first.link(/data-other-way/)), {
          factor: 'backup-codes',
        }),
      )
      await see(other.submit(page, { backupCode }), other)
    }
    host.clock.at += 601
    await see(stranger.get(verify.url), stranger)
    return { mira, secret, codes }
  }

  it('R23 R30 has every protective header, whatever it says', async () => {
    const seen = new Map<string, number>()
    await walk((page) => {
      if (!page.url.pathname.startsWith('/mfa/') || page.location !== undefined) return
      const label = `${page.name} ${page.status}`
      seen.set(label, (seen.get(label) ?? 0) + 1)
      const { headers } = page
      const policy = String(headers['content-security-policy'])
      expect(policy, label).to.contain("default-src 'none'").and.contain("frame-ancestors 'none'")
      expect(policy, label).not.to.contain('unsafe')
      expect(headers, label).to.include({
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'same-origin',
      })
      expect(headers['content-type'], label).to.equal('text/html; charset=utf-8')
    })
    expect([...seen.keys()]).to.include.members([
      'mfa-choose 200',
      'totp-enrol 200',
      'totp-enrol 400',
      'totp-enrol 422',
      'backup-codes 200',
      'backup-codes 422',
      'backup-codes-low 200',
      'totp-verify 200',
      'totp-verify 422',
      'backup-code-verify 200',
      'backup-code-verify 422',
      'locked 429',
      'forbidden 403',
      'not-found 404',
      'expired 410',
      'error 413',
      'error 415',
    ])
  })

  it('R30 lets its forms lead to this server and to the app of the sign-in alone', async () => {
    const choose = await showPassword(host, new HttpClient(), 'mira')
    expect(choose.headers['content-security-policy']).to.match(
      /form-action 'self' http:\/\/127\.0\.0\.1:1 https:/,
    )
  })

  it('R31 leaves no secret and no code in an address, a log line, an event or the storage', async () => {
    const printed: string[] = []
    const restore = capture(printed)
    let secrets: string[]
    try {
      const { secret, codes } = await walk(() => undefined)
      secrets = [secret, ...codes, ...codes.map((code) => code.replaceAll('-', ''))]
      await host.mfa.settled()
    } finally {
      restore()
    }
    const kept = {
      addresses: JSON.stringify(
        host.answers.map(({ address, headers }) => [address, headers.location]),
      ),
      events: JSON.stringify(host.events),
      faults: host.faults.map((fault) => `${fault.message} ${fault.stack}`).join(),
      printed: printed.join(''),
      writes: JSON.stringify(host.writes),
    }
    expect(host.events.length).to.be.greaterThan(10)
    for (const [place, text] of Object.entries(kept))
      for (const secret of secrets)
        expect(text.includes(secret), `a secret in ${place}`).to.equal(false)
    for (const { address } of host.answers)
      if (address.startsWith('/mfa/')) expect(address).not.to.contain('?')
  })

  it('R30 writes nothing when it is looked at', async () => {
    const looked = new Set<string>()
    await walk(async (page, browser) => {
      const [, uid] = /^\/mfa\/([^/]+)/.exec(page.url.pathname) ?? []
      if (uid === undefined) return
      await host.mfa.settled()
      const before = host.writes.length
      for (const path of [
        ...['', '/choose', '/verify/totp', '/verify/backup-codes', '/enrol/totp', '/proof'],
        ...['/backup-codes', '/backup-codes.txt', '/backup-codes-low', '/cancel', '/nowhere'],
      ]) {
        const { status } = await browser.get(new URL(`/mfa/${uid}${path}`, host.issuer))
        looked.add(`${path} ${status}`)
        expect(host.writes.slice(before), path).to.deep.equal([])
      }
    })
    expect([...looked]).to.include.members([
      ' 200',
      '/choose 200',
      '/verify/totp 200',
      '/enrol/totp 200',
      '/backup-codes 200',
      '/backup-codes.txt 200',
      '/backup-codes-low 200',
    ])
  })

  it('R30 sets cookies that scripts and other sites do not get', async () => {
    await walk(() => undefined)
    const cookies = host.answers
      .flatMap(({ headers }) => headers['set-cookie'] ?? [])
      .filter((cookie) => cookie.startsWith('mfa_'))
    expect(cookies.some((cookie) => cookie.startsWith('mfa_browser='))).to.equal(true)
    expect(cookies.some((cookie) => cookie.startsWith('mfa_codes='))).to.equal(true)
    for (const cookie of cookies) {
      expect(cookie)
        .to.match(/; HttpOnly/)
        .and.to.match(/; SameSite=Lax/)
      if (cookie.startsWith('mfa_codes=')) expect(cookie).to.match(/; Path=\/mfa\/[\w-]+;/)
    }
  })

  it('R34 shows names and what was typed as text', async () => {
    const marked = '<img src=x onerror=alert(1)>"\''
    const browser = new HttpClient()
    const choose = await showPassword(host, browser, marked)
    const setUp = await follow(host, browser, await browser.submit(choose, { factor: 'totp' }))
    const refused = await browser.submit(setUp, { code: '000000', name: marked })
    const lost = await browser.get(new URL(`/mfa/${uidOf(choose)}/nowhere`, host.issuer), {
      headers: { 'x-request-id': marked },
    })
    for (const page of [choose, setUp, refused, lost]) {
      expect(page.name).to.be.a('string')
      expect(page.body).not.to.contain('<img')
    }
    expect(choose.text).to.contain(marked)
    expect(refused.form().fields.name).to.equal(marked)
  })

  it('does not show a code again that was refused', async () => {
    const mira = await enrolledPerson(host)
    const browser = new HttpClient()
    const verify = await showPassword(host, browser, 'mira')
    const code = wrongCode(host, mira)
    expect((await browser.submit(verify, { code })).body).not.to.contain(code)
  })

  it('is 410, expired, once its time is over, and nothing posted to it counts', async () => {
    const mira = await enrolledPerson(host)
    const browser = new HttpClient()
    const verify = await showPassword(host, browser, 'mira')
    host.clock.at += 600
    const before = host.writes.length
    const late = await browser.submit(verify, { code: nextCode(host, mira) })
    expect([late.status, late.name]).to.deep.equal([410, 'expired'])
    host.clock.at += 86_400
    const gone = await browser.submit(verify, { code: nextCode(host, mira) })
    expect([gone.status, gone.name]).to.deep.equal([410, 'expired'])
    expect(host.writes).to.have.length(before)
    expect(
      (await follow(host, browser, await signIn(host, browser, mira))).location,
    ).to.be.instanceOf(URL)
  })
})

/** What is printed while it runs. */
function capture(printed: string[]): () => void {
  const streams = [process.stdout, process.stderr]
  const writers = streams.map(({ write }) => write)
  for (const stream of streams)
    stream.write = (chunk: string | Uint8Array) => printed.push(String(chunk)) > 0
  return () => streams.forEach((stream, nth) => (stream.write = writers[nth]!))
}
