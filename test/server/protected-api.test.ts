import { expect } from 'chai'
import { MULTI_FACTOR_ACR } from '../../src/index.ts'
import { resourceServer, type ResourceServer } from '../../src/resource-server/index.ts'
import { HttpClient } from '../support/http-client.ts'
import {
  addPerson,
  APP,
  CLIENT_SECRET,
  redeem,
  signIn,
  startServer,
  stopServers,
  type TestServer,
} from './support.ts'

const JWT_API = 'https://jwt.example'
const OPAQUE_API = 'https://opaque.example'
const REQUIRED = { acr: MULTI_FACTOR_ACR, factors: ['otp'], maxAgeSeconds: 300 }

describe('an API of the server', () => {
  let server: TestServer

  before(async () => {
    const format = { [JWT_API]: 'jwt', [OPAQUE_API]: 'opaque' }
    const resources = Object.fromEntries(
      Object.entries(format).map(([name, each]) => [name, { scopes: [], format: each }]),
    )
    server = await startServer({
      settings: { resources },
      clients: [{ ...APP, first_party: true }],
    })
  })
  after(stopServers)

  const protect = (audience: string, more: object = {}): ResourceServer =>
    resourceServer({ issuer: server.issuer, audience, clock: server.clock, ...more })

  it('takes the tokens for it by their keys and by introspection, and those for no other API', async () => {
    const alice = await addPerson(server)
    const introspection = {
      endpoint: `${server.issuer}/token/introspection`,
      clientId: 'app',
      clientSecret: CLIENT_SECRET,
    }
    const apis = {
      [JWT_API]: protect(JWT_API),
      [OPAQUE_API]: protect(OPAQUE_API, { introspection }),
    }
    for (const [resource, api] of Object.entries(apis)) {
      const asked = server.authorize({ resource, scope: 'openid authn' })
      const back = await signIn(new HttpClient(), asked, alice, server)
      server.clock.ahead += 30
      const { body } = await redeem(server, back, { resource })
      const header = `Bearer ${String(body['access_token'])}`
      expect(await api.check(header, REQUIRED), resource).to.have.nested.property(
        'claims.sub',
        alice.id,
      )
      server.clock.ahead += 300
      expect(await api.check(header, REQUIRED), resource).to.include({ reason: 'too-old' })
      server.clock.ahead -= 300
      const other = protect('https://other.example', { introspection })
      expect(await other.check(header), resource).to.include({ reason: 'audience' })
      const forId = `Bearer ${String(body['id_token'])}`
      expect(await protect('app').check(forId), resource).to.include({ reason: 'type' })
    }
  })
})
