import { expect } from 'chai'
import { MULTI_FACTOR_ACR, PASSWORD_ACR, PHISHING_RESISTANT_ACR } from '../../src/index.ts'
import { APP, startServer, type TestServer } from '../server/support.ts'
import { exampleWith, importCode } from './examples.ts'

const GUIDE = 'docs/guides/ask-for-a-second-factor.md'
const ISSUER = 'https://id.example'

interface Example {
  stepUp(session: { verifier?: string }): Promise<URL>
}

describe(GUIDE, function () {
  this.timeout(30_000)

  it('has a plain address whose claims are those of the table', () => {
    const address = new URL(exampleWith(GUIDE, 'text', 'client_id=app').trim())
    expect(address.origin).to.equal(ISSUER)
    expect(address.searchParams.get('scope')).to.equal('openid')
    expect(JSON.parse(address.searchParams.get('claims') ?? '')).to.deep.equal({
      id_token: { acr: { essential: true, values: [MULTI_FACTOR_ACR] } },
    })
  })

  describe('the example for openid-client', () => {
    let server: TestServer
    before(async () => {
      server = await startServer({
        clients: [{ ...APP, client_id: 'app', redirect_uris: ['https://app.example/callback'] }],
      })
    })
    after(() => server.stop())

    it('makes a request that the server accepts', async () => {
      const code = exampleWith(GUIDE, 'js', 'client.buildAuthorizationUrl')
        .replace("from 'openid-client'", `from '${import.meta.resolve('openid-client')}'`)
        .replace(ISSUER, server.issuer)
        .replace(
          'process.env.APP_SECRET)',
          `'secret', undefined, { execute: [client.allowInsecureRequests] })`,
        )
      const level = exampleWith(GUIDE, 'js', 'const LEVEL')
      const { stepUp } = await importCode<Example>(`${level}${code}`)
      const session: { verifier?: string } = {}
      const answer = await fetch(await stepUp(session), { redirect: 'manual' })
      expect(session.verifier).to.match(/^[\w-]{43,}$/)
      expect(answer.status).to.equal(303)
      expect(answer.headers.get('location')).to.match(/\/interaction\//)
      const discovery = await fetch(`${server.issuer}/.well-known/openid-configuration`)
      const { acr_values_supported: levels } = (await discovery.json()) as Record<string, unknown>
      expect(levels).to.deep.equal([PASSWORD_ACR, MULTI_FACTOR_ACR, PHISHING_RESISTANT_ACR])
    })
  })
})
