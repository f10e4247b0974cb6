import { expect } from 'chai'
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { MULTI_FACTOR_ACR } from '../../src/domain/policy/levels.ts'
import { setStage } from './stage.ts'

const VERIFIER = 'v'.repeat(43)

/** An app that reads no `acr`: it answers every token with the same request again, as some middleware does. */
class StubbornApp {
  issuer = ''
  requests = 0
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
    server.on('request', (_request, response) => {
      this.requests += 1
      response.writeHead(302, { location: this.#authorization() }).end()
    })
  }

  static async start(): Promise<StubbornApp> {
    const server = createServer()
    const app = new StubbornApp(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return app
  }

  get url(): string {
    return `http://localhost:${(this.#server.address() as AddressInfo).port}/`
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  #authorization(): string {
    const query = new URLSearchParams({
      client_id: 'stubborn',
      response_type: 'code',
      scope: 'openid',
      redirect_uri: this.url,
      acr_values: MULTI_FACTOR_ACR,
      code_challenge: createHash('sha256').update(VERIFIER).digest('base64url'),
      code_challenge_method: 'S256',
    })
    return `${this.issuer}/auth?${query.toString()}`
  }
}

describe('an app that asks for a second factor again and again', function () {
  let app: StubbornApp
  before(async () => {
    app = await StubbornApp.start()
  })
  after(() => app.close())
  const stage = setStage(this, (folder) => {
    const settings = join(folder, 'settings.json')
    const clients = join(folder, 'clients.json')
    writeFileSync(
      settings,
      JSON.stringify({ mfa: { required: 'optional', firstEnrolment: 'password' } }),
    )
    const stubborn = {
      client_id: 'stubborn',
      client_name: 'Stubborn',
      token_endpoint_auth_method: 'none',
      redirect_uris: [app.url],
      first_party: true,
    }
    writeFileSync(clients, JSON.stringify([stubborn]))
    return { CONFIG_FILE: settings, CLIENTS_FILE: clients }
  })

  it('leads a person who says "Not now" to a page, and not round for ever', async () => {
    app.issuer = stage.server.issuer
    const person = await stage.server.addPerson('unhurried')
    const visitor = await stage.arrive()
    await visitor.page.goto(app.url)
    await visitor.typePassword(person)
    await visitor.see('mfa-offer')
    const before = app.requests
    await visitor.page.locator('button[value=not-now]').click()
    await visitor.page.waitForSelector('h1:has-text("keeps asking")')
    expect(app.requests - before).to.equal(3)
    await visitor.see('mfa-offer', 'repeated')
    // Only a press goes on, and the next page comes at once.
    await visitor.page.locator('button[value=not-now]').click()
    await visitor.page.waitForSelector('h1:has-text("keeps asking")')
    expect(app.requests - before).to.equal(4)
    await visitor.press('button[value=set-up]')
    expect(await visitor.at()).to.equal('mfa-choose')
  })
})
