import { expect } from 'chai'
import { HttpClient, type Page } from '../../support/http-client.ts'
import {
  addPerson,
  atTheApp,
  signIn,
  startServer,
  stopServers,
  type TestServer,
} from '../support.ts'

/** A value that ends an HTML attribute, holds a script, and holds expressions of template languages. */
const MARK = '"><script>alert(1)</script>{{7*191}}{%raw%}'
const EVALUATED = '1337'

/** The parameters of authorization requests that a link on any site can hold. */
const REQUESTS: readonly Readonly<Record<string, string>>[] = [
  ...[
    'login_hint',
    'ui_locales',
    'state',
    'nonce',
    'scope',
    'display',
    'prompt',
    'acr_values',
    'response_mode',
    'response_type',
    'code_challenge',
    'code_challenge_method',
    'claims',
    'id_token_hint',
    'resource',
    'client_id',
    'redirect_uri',
    'max_age',
    'request',
    'request_uri',
  ].flatMap((name) => [{ [name]: MARK }, { [name]: '__proto__' }, { [name]: '\u0000' }]),
  { login_hint: 'x'.repeat(6000) },
  { ui_locales: '../../../../etc/passwd' },
  { ui_locales: 'x '.repeat(3000) },
  ...['-1', '1.5', '1e9', '9'.repeat(40)].map((max_age) => ({ max_age })),
  ...['none login', 'mfa none', 'login login'].map((prompt) => ({ prompt })),
  ...[
    'null',
    '"x"',
    '[]',
    '{',
    '{}',
    '{"id_token":null}',
    '{"id_token":[]}',
    '{"id_token":{"acr":null}}',
    '{"id_token":{"acr":{"essential":true,"values":"x"}}}',
    '{"id_token":{"acr":{"essential":true,"value":1}}}',
    '{"id_token":{"acr":{"essential":"yes","values":[null,{}]}}}',
    '{"id_token":{"__proto__":{"essential":true},"constructor":null,"toString":null}}',
    '{"userinfo":{"__proto__":null}}',
    '{"id_token":{"sub":{"value":{"$ne":1}}}}',
    '{"id_token":{"mfaEpoch":{"value":1}}}',
  ].map((claims) => ({ claims })),
  // The request object is not signed and names a redirect URI of the attacker.
  {
    request: `${btoa('{"alg":"none"}')}.${btoa('{"client_id":"app","redirect_uri":"https://evil.example/"}')}.`,
  },
  { request_uri: 'http://169.254.169.254/latest/meta-data' },
  { request_uri: 'urn:ietf:params:oauth:request_uri:made-up' },
  { id_token_hint: `${btoa('{"alg":"none"}')}.${btoa('{"sub":"mallory"}')}.` },
  { web_message_uri: 'https://evil.example', registration: '{}', authorization_details: '[{}]' },
]

describe('a link to the authorization endpoint that an attacker has written', () => {
  let server: TestServer
  let signedIn: HttpClient

  before(async () => {
    server = await startServer()
    signedIn = new HttpClient()
    await signIn(signedIn, server.authorize(), await addPerson(server), server)
  })
  after(stopServers)

  const open = (who: string, params: Readonly<Record<string, string>>): Promise<Page> =>
    (who === 'a stranger' ? new HttpClient() : signedIn).visit(server.authorize(params), atTheApp)

  for (const who of ['a stranger', 'somebody signed in'])
    it(`R32 R34 is a page or an error of OAuth for ${who}, never a fault`, async () => {
      for (const params of REQUESTS) {
        const what = JSON.stringify(params).slice(0, 120)
        const page = await open(who, params)
        expect(page.status, what).to.be.lessThan(500)
        expect(page.location?.origin ?? 'https://app.example', what).to.equal('https://app.example')
        expect(page.body, what).not.to.contain('<script>alert').and.not.to.contain(EVALUATED)
        expect(page.body, what).not.to.contain('evil.example')
      }
      expect(server.lines.filter((line) => line.startsWith('["error"'))).to.deep.equal([])
    })

  it('shows its hint as text, in the field and nowhere else', async () => {
    const page = await open('a stranger', { login_hint: MARK })
    expect(page.form().fields['username']).to.equal(MARK)
    expect(page.text).not.to.contain('alert(1)')
  })

  it('brings its state back to the app as it was, by the address and by a form', async () => {
    const page = await open('somebody signed in', { state: MARK })
    expect(page.location?.searchParams.get('state')).to.equal(MARK)
    const form = await open('somebody signed in', { state: MARK, response_mode: 'form_post' })
    expect(form.form().fields['state']).to.equal(MARK)
  })

  it('R25 asks a person who is somebody else to sign in, whatever the value is made of', async () => {
    for (const value of ['"mallory"', '{"$ne":1}', '[]', 'null'])
      for (const claim of ['{"value":V}', '{"essential":true,"value":V}']) {
        const claims = `{"id_token":{"sub":${claim.replace('V', value)}}}`
        const page = await open('somebody signed in', { claims, prompt: 'none' })
        expect(page.location?.searchParams.has('code'), claims).to.equal(false)
      }
  })
})
