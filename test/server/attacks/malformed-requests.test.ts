import { expect } from 'chai'
import { HttpClient, type Page } from '../../support/http-client.ts'
import { addPerson, signIn, startServer, stopServers, type TestServer } from '../support.ts'
import { lines, sendRaw } from './raw.ts'

/** Paths that a scanner tries. An HTTP library would not send many of them unchanged. */
const PATHS = [
  '/',
  '//evil.example/',
  '//evil.example/%2e%2e',
  '/%E0%A4%A',
  '/%00',
  '/\\evil.example',
  '/mfa/assets/../../../package.json',
  '/mfa/assets/..%2f..%2f..%2fpackage.json',
  '/mfa/assets/%2e%2e/%2e%2e/%2e%2e/package.json',
  '/mfa/assets/..%5c..%5cpackage.json',
  '/mfa/assets/%252e%252e%252fpackage.json',
  '/mfa/assets/style.css%00',
  '/mfa/assets//etc/passwd',
  '/mfa/assets/....//....//package.json',
  '/mfa/assets/constructor',
  '/mfa/assets/__proto__.0123456789abcdef.css',
  '/.well-known/../package.json',
  '/.env',
  '/.git/config',
  '/data/server.sqlite',
  '/interaction/%00',
  '/interaction/__proto__',
  '/interaction/constructor/login',
  '/interaction/../auth',
  '/auth?%ff',
  '/auth?client_id=app&client_id=app',
  '/auth?client_id[]=app',
  '/auth?__proto__[x]=1',
  '/auth?client_id=__proto__',
  '/auth?client_id=constructor',
  '/auth?request_uri=http://127.0.0.1/',
  '/auth/no-such-sign-in',
  '/auth/__proto__',
  '/device/no-such-sign-in',
  '/device?user_code[]=x',
  '/set-up/',
  '/set-up/..%2f',
  '/set-up/__proto__',
  '/mfa',
  '/mfa/',
  '/mfa/__proto__',
  '/mfa/x/y/z',
  '/session/end/success?client_id=__proto__',
  '/session/end?client_id=constructor',
  'http://evil.example/auth',
]

describe('a request that no browser sends', () => {
  let server: TestServer

  before(async () => {
    server = await startServer({ settings: { features: { deviceFlow: true } } })
  })
  after(stopServers)

  const faults = (): string[] => server.lines.filter((line) => line.startsWith('["error"'))

  for (const method of ['GET', 'HEAD', 'POST'])
    it(`R32 ${method} of a strange path is answered plainly, with no file, no trace and no fault`, async () => {
      for (const path of PATHS) {
        const { status, text } = await sendRaw(
          server.port,
          lines(
            `${method} ${path} HTTP/1.1`,
            `Host: localhost:${server.port}`,
            'Accept: text/html',
            'Content-Length: 0',
          ),
        )
        expect(status, path).to.be.within(200, 499)
        expect(text, path).not.to.match(/oidc-provider-mfa"|root:|node_modules|file:\/\/|at async/)
        expect(/^location: (.*)\r$/im.exec(text)?.[1] ?? '/', path).to.match(/^\/(?!\/)/)
      }
      expect(faults()).to.deep.equal([])
    })

  it('R34 of an unknown method does nothing and gives nothing back of what was sent', async () => {
    for (const method of ['TRACE', 'OPTIONS', 'PUT', 'DELETE', 'PATCH', 'PROPFIND', 'TRACK', 'FOO'])
      for (const path of [
        '/auth',
        '/interaction/x/login',
        '/mfa/x',
        '/token',
        '/set-up/x',
        '/session/end',
      ]) {
        const { status, text } = await sendRaw(
          server.port,
          lines(
            `${method} ${path} HTTP/1.1`,
            'Host: localhost',
            'Cookie: session=the-cookie-of-a-victim',
          ),
        )
        expect(status, `${method} ${path}`).to.be.within(400, 499)
        expect(text).not.to.contain('the-cookie-of-a-victim')
      }
  })

  for (const [what, bytes, expected] of [
    ['has no host', lines('GET /auth HTTP/1.1'), 400],
    [
      'has headers without end',
      lines('GET /auth HTTP/1.1', 'Host: a', `X: ${'x'.repeat(40_000)}`),
      431,
    ],
    [
      'has thousands of headers',
      lines('GET /auth HTTP/1.1', 'Host: a', ...Array.from({ length: 3000 }, (_, i) => `X${i}: y`)),
      431,
    ],
    [
      'says its length in two ways',
      lines(
        'POST /token HTTP/1.1',
        'Host: a',
        'Content-Length: 5',
        'Transfer-Encoding: chunked',
      ).concat('0\r\n\r\nGET /health/live HTTP/1.1\r\nHost: a\r\n\r\n'),
      400,
    ],
    [
      'folds a header',
      lines('GET /health/live HTTP/1.1', 'Host: a', 'X: one\r\n two', 'Content-Length : 5'),
      400,
    ],
    ['is no HTTP', 'hello\r\n\r\n', 400],
  ] as const)
    it(`R34 that ${what} is refused before anything looks at it`, async () => {
      const before = server.lines.length
      const { status, text } = await sendRaw(server.port, bytes)
      expect(status).to.equal(expected)
      expect(text.match(/HTTP\/1\.1/g)).to.have.length(1)
      expect(server.lines.length).to.equal(before)
    })

  it('R34 with cookies that cannot be read is one without cookies', async () => {
    for (const cookie of [
      'session=%E0%A4%A; interaction="; mfa_browser=%; =; ;;;',
      'session=__proto__; session.sig=x',
      `mfa_browser=${'a.'.repeat(3000)}`,
    ]) {
      const browser = new HttpClient({ headers: { cookie } })
      const { status, location } = await browser.get(server.authorize())
      expect([status, location?.pathname.split('/')[1]], cookie).to.deep.equal([303, 'interaction'])
    }
    expect(faults()).to.deep.equal([])
  })

  it('R34 with languages, types and addresses that cannot be read is answered in the usual ones', async () => {
    const strange = {
      'accept-language': ';;;, ../../etc;q=k, __proto__, constructor',
      'x-request-id': '<script>',
      'user-agent': '\u00ff'.repeat(2000),
    }
    const page = await new HttpClient({ headers: strange }).visit(server.authorize())
    expect([page.status, page.name]).to.deep.equal([200, 'login'])
    expect(page.body)
      .to.match(/<html lang="en"/)
      .and.not.to.contain('<script>')
    expect(faults()).to.deep.equal([])
  })

  describe('to a form of ours', () => {
    const BODIES: readonly [string, string, number][] = [
      ['an operator', 'username[$ne]=x&password[$ne]=x', 400],
      ['the same field twice', 'username=alice&username=bob&password=x', 400],
      ['a prototype', '__proto__=x&username=alice', 400],
      ['a prototype in brackets', '__proto__[admin]=1&username=alice', 400],
      ['a constructor', 'constructor[prototype][admin]=1', 400],
      ['a zero byte', 'username=alice%00&password=x', 400],
      ['an encoding that is none', 'username=%E0%A4%A&password=%ff', 400],
      ['hundreds of fields', Array.from({ length: 500 }, (_, i) => `f${i}=1`).join('&'), 400],
      ['more than it holds', `username=alice&password=${'x'.repeat(70_000)}`, 413],
    ]

    let browser: HttpClient
    let page: Page
    beforeEach(async () => {
      browser = new HttpClient()
      page = await browser.visit(server.authorize())
    })
    const action = (): URL => new URL(page.form().action, page.url)
    const csrf = (): string => page.form().fields['csrf'] ?? ''

    for (const [what, body, expected] of BODIES)
      it(`R34 ${what} is ${expected}, and the form as good as before`, async () => {
        const refused = await browser.postRaw(action(), `csrf=${csrf()}&${body}`)
        expect([refused.status, refused.name]).to.deep.equal([expected, 'error'])
        const wrong = await browser.submit(page, { username: 'nobody', password: 'at all' })
        expect(wrong.status).to.equal(422)
        expect(faults()).to.deep.equal([])
      })

    it('R34 a body without end is refused and not read on, where no length is said either', async () => {
      const chunk = `${(1024).toString(16)}\r\n${'x'.repeat(1024)}\r\n`
      const { status, text } = await sendRaw(
        server.port,
        [
          `POST ${action().pathname} HTTP/1.1`,
          `Host: localhost:${server.port}`,
          `Cookie: ${browser.jar.header(action()) ?? ''}`,
          'Content-Type: application/x-www-form-urlencoded',
          'Transfer-Encoding: chunked',
          '',
          chunk.repeat(64),
        ].join('\r\n'),
      )
      expect(status).to.equal(413)
      expect(text).to.match(/^connection: close\r$/im)
    })
  })

  describe('to an endpoint for programs', () => {
    for (const [what, type, body] of [
      ['a type of its own', '__proto__', '{}'],
      ['JSON', 'application/json', '{"grant_type":{"$ne":1}}'],
      [
        'a charset that is none',
        'application/x-www-form-urlencoded; charset=bogus',
        'grant_type=x',
      ],
      [
        'a prototype',
        'application/x-www-form-urlencoded',
        '__proto__[x]=1&grant_type=authorization_code',
      ],
      ['a field twice', 'application/x-www-form-urlencoded', 'grant_type=a&grant_type=b'],
      [
        'a body without end',
        'application/x-www-form-urlencoded',
        `grant_type=${'x'.repeat(200_000)}`,
      ],
    ] as const)
      it(`R34 ${what} is a refusal of OAuth, no fault of ours`, async () => {
        for (const path of [
          '/token',
          '/token/introspection',
          '/token/revocation',
          '/request',
          '/device/auth',
        ]) {
          const response = await fetch(new URL(path, server.url), {
            method: 'POST',
            headers: { 'content-type': type, authorization: `Basic ${btoa('app:wrong')}` },
            body,
          })
          expect(response.status, path).to.be.within(400, 499)
          expect(await response.json(), path).to.have.property('error')
        }
        expect(faults()).to.deep.equal([])
      })
  })

  it('R32 leaves the server as it was: somebody signs in', async () => {
    const bea = await addPerson(server, { username: 'bea' })
    const page = await signIn(new HttpClient(), server.authorize(), bea, server)
    expect(page.location?.searchParams.has('code')).to.equal(true)
  })
})
