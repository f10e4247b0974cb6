import { expect } from 'chai'
import express from 'express'
import Koa from 'koa'
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { resourceServer, type ResourceServer } from '../../src/resource-server/index.ts'
import {
  AUDIENCE,
  makeKey,
  signToken,
  startIssuer,
  TestClock,
  type Issuer,
  type Key,
} from './issuer.ts'

const REQUIRED = { acr: 'gold', maxAgeSeconds: 300 }

/** An API in each framework. Its one route answers the subject of the token. */
const FRAMEWORKS: Readonly<Record<string, (api: ResourceServer) => RequestListener>> = {
  koa(api) {
    const app = new Koa()
    app.use(api.koa(REQUIRED))
    app.use((ctx) => {
      const { sub } = (ctx.state as { token: { sub: string } }).token
      ctx.body = sub
    })
    const handle = app.callback()
    return (request, response) => void handle(request, response)
  },
  express(api) {
    const app = express()
    app.get('/', api.express(REQUIRED), (request, response) => {
      response.send((request as unknown as { auth: { sub: string } }).auth.sub)
    })
    return app
  },
  'node:http': (api) => {
    const protect = api.express(REQUIRED)
    return (request, response) =>
      protect(request, response, () => {
        response.end((request as unknown as { auth: { sub: string } }).auth.sub)
      })
  },
}

for (const [name, make] of Object.entries(FRAMEWORKS))
  describe(`the middleware of resourceServer in ${name}`, () => {
    let issuer: Issuer
    let key: Key
    let server: Server
    let url: string
    const clock = new TestClock()

    before(async () => {
      issuer = await startIssuer()
      key = await makeKey('first')
      issuer.keys = [key.jwk]
      const api = resourceServer({ issuer: issuer.url, audience: AUDIENCE, clock })
      server = createServer(make(api))
      await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    })
    after(async () => {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
      await issuer.close()
    })
    const ask = (token?: string): Promise<Response> =>
      fetch(url, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } })

    it('lets a request with enough assurance pass, with the claims', async () => {
      const answer = await ask(
        await signToken(issuer, key, clock, { acr: 'gold', auth_time: clock.at }),
      )
      expect([answer.status, await answer.text()]).to.deep.equal([200, 'mira'])
    })

    it('answers any other request, and the route is not run', async () => {
      const weak = await ask(await signToken(issuer, key, clock, { acr: 'silver' }))
      expect([weak.status, weak.headers.get('www-authenticate')]).to.deep.equal([
        401,
        'Bearer error="insufficient_user_authentication", error_description="A different authentication level is required", acr_values="gold", max_age="300"',
      ])
      expect(await weak.text()).not.to.contain('mira')
      const without = await ask()
      expect([without.status, without.headers.get('www-authenticate')]).to.deep.equal([
        401,
        'Bearer',
      ])
    })

    it('answers 503 while nobody knows the keys', async () => {
      clock.at += 3600
      issuer.instead['/jwks'] = { status: 500 }
      const answer = await ask(
        await signToken(issuer, key, clock, { acr: 'gold', auth_time: clock.at }),
      )
      expect([answer.status, answer.headers.get('retry-after')]).to.deep.equal([503, '5'])
      expect(await answer.text()).not.to.contain('mira')
      delete issuer.instead['/jwks']
    })
  })

describe('the middlewares of resourceServer', () => {
  it('refuse a requirement with a fault when they are made, not at the first request', () => {
    const api = resourceServer({ issuer: 'https://id.example', audience: AUDIENCE })
    for (const make of [() => api.koa({ acr: '' }), () => api.express({ maxAgeSeconds: -1 })])
      expect(make).to.throw().with.property('code', 'options-invalid')
  })
})
