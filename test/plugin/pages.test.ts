import { expect } from 'chai'
import { backupCodesOf, secretOf } from '../support/enrolment.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { totpCode } from '../support/totp.ts'
import { callbackOf, CLIENT, follow, showPassword, startHost, type Host } from './host.ts'
import {
  enrolledPerson,
  nextCode,
  signIn,
  uidOf,
  wrongBackupCode,
  wrongCode,
  type Person,
} from './sign-in.ts'

describe('a page of the plugin', () => {
  let host: Host
  beforeEach(async () => {
    host = await startHost()
  })
  afterEach(async () => host.close())

  /** Goes through every page, pages of refusals included, and calls `visit` on each. */
  async function walk(visit: (page: Page, browser: HttpClient) => void | Promise<void>) {
    const browser = new HttpClient()
    const see = async (page: Page | Promise<Page>, by = browser): Promise<Page> => {
      const shown = await follow(host, by, await page)
      await visit(shown, by)
      return shown
    }
    const setUp = await see(showPassword(host, browser, 'mira'))
    const secret = secretOf(setUp)
    await see(browser.submit(setUp, { code: '000000' }))
    await see(browser.submit(setUp, { code: 'x' }))
    const shown = await see(
      browser.submit(setUp, { code: totpCode({ secret }, host.clock.at), name: 'Phone' }),
    )
    await see(browser.submit(shown))
    const codes = backupCodesOf(shown)
    const back = await follow(host, browser, await browser.submit(shown, { saved: 'yes' }))
    expect(callbackOf(back).get('code')).to.be.a('string')
    host.clock.at += 60
    const mira: Person = { username: 'mira', secret, codes, browser }

    const stranger = new HttpClient()
    const verify = await see(showPassword(host, stranger, 'mira'), stranger)
    const ways = await see(stranger.get(verify.link('[data-other-way]')), stranger)
    const backup = await see(stranger.submit(ways, { factor: 'backup-codes' }), stranger)
    await see(stranger.submit(backup, { backupCode: wrongBackupCode(codes[0]!) }), stranger)
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
        await other.submit(await other.get(first.link('[data-other-way]')), {
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
      'totp-enrol 200',
      'mfa-choose 200',
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

  it('R30 puts nothing of the redirect URI into the policy of a page', async () => {
    const redirectUri = 'http://a;script-src-elem/cb'
    const injected = await startHost({
      configuration: {
        clients: [CLIENT, { ...CLIENT, client_id: 'semicolon', redirect_uris: [redirectUri] }],
      },
    })
    try {
      const choose = await showPassword(injected, new HttpClient(), 'mira', {
        client_id: 'semicolon',
        redirect_uri: redirectUri,
      })
      expect(choose.name).to.equal('totp-enrol')
      const policy = String(choose.headers['content-security-policy'])
      expect(policy).to.contain("script-src 'self'")
      expect(policy).not.to.match(/script-src-elem|form-action/)
    } finally {
      await injected.close()
    }
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
        '',
        '/choose',
        '/verify/totp',
        '/verify/backup-codes',
        '/enrol/totp',
        '/proof',
        '/backup-codes',
        '/backup-codes.txt',
        '/backup-codes-low',
        '/cancel',
        '/nowhere',
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
    const setUp = await showPassword(host, browser, marked)
    const refused = await browser.submit(setUp, { code: '000000', name: marked })
    const lost = await browser.get(new URL(`/mfa/${uidOf(setUp)}/nowhere`, host.issuer), {
      headers: { 'x-request-id': marked },
    })
    for (const page of [setUp, refused, lost]) {
      expect(page.name).to.be.a('string')
      expect(page.body).not.to.contain('<img')
    }
    expect(setUp.text).to.contain(marked)
    expect(refused.form().fields.name).to.equal(marked)
  })

  it("R34 shows a client's metadata as text, and no picture from a script", async () => {
    const { client_name: _, ...client } = CLIENT
    const named = await startHost({
      configuration: {
        clients: [
          {
            ...client,
            client_name: '</title><script>alert(1)</script>',
            logo_uri: 'https://app.example/logo.svg?"><script>alert(2)</script>',
          },
        ],
      },
    })
    try {
      const choose = await showPassword(named, new HttpClient(), 'mira')
      expect(choose.name).to.equal('totp-enrol')
      expect(choose.body)
        .not.to.contain('alert(1)</script>')
        .and.not.to.contain('alert(2)</script>')
      expect(choose.tags('script').every(({ src }) => src?.startsWith('/mfa/assets/'))).to.equal(
        true,
      )
    } finally {
      await named.close()
    }
  })

  it('R34 is in a language there is, whatever is asked for', async () => {
    for (const ui_locales of ['../../package', '__proto__', 'de', 'xx en', 'x'.repeat(5000)]) {
      const browser = new HttpClient({ headers: { 'accept-language': ui_locales } })
      const page = await showPassword(host, browser, 'mira', { ui_locales })
      expect([page.status, page.name], ui_locales).to.deep.equal([200, 'totp-enrol'])
      expect(page.body).to.match(ui_locales === 'de' ? /<html lang="de"/ : /<html lang="en"/)
    }
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

/** Collects the text that is printed until the returned function is called. */
function capture(printed: string[]): () => void {
  const streams = [process.stdout, process.stderr]
  const writers = streams.map(({ write }) => write)
  for (const stream of streams)
    stream.write = (chunk: string | Uint8Array) => printed.push(String(chunk)) > 0
  return () => streams.forEach((stream, nth) => (stream.write = writers[nth]!))
}
