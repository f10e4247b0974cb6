import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import type { Browser, Page } from 'playwright-core'
import { launchBrowser, pageName } from '../support/browser.ts'
import { makeCertificate } from '../support/certificate.ts'
import { authorizeUrl, CLIENT, PASSWORD, startHost, type Host } from './host.ts'
import { enrolledPerson, nextCode, type Person } from './sign-in.ts'

/**
 * Chromium applies `form-action` to every redirect that follows a form. An app that redirects on from its callback is
 * common: the target is a program of the machine, another port in development, or an address without TLS.
 */
describe('an app whose callback redirects on, in Chromium', function () {
  this.timeout(60_000)
  let browser: Browser
  let folder: string
  const servers: Server[] = []

  before(async function () {
    browser = await launchBrowser(this)
    folder = mkdtempSync(join(tmpdir(), 'oidc-provider-mfa-'))
  })
  after(async () => {
    await browser?.close()
    for (const server of servers) server.close()
    if (folder !== undefined) rmSync(folder, { recursive: true })
  })

  async function listen(server: Server): Promise<number> {
    servers.push(server)
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    return (server.address() as AddressInfo).port
  }

  /** Starts the page to which the callback redirects; returns its port. */
  async function startPage(): Promise<number> {
    return listen(
      createServer((_request, response) => {
        response.setHeader('Content-Type', 'text/html').end('<body data-page="arrived">')
      }),
    )
  }

  interface Journey {
    readonly host: Host
    readonly person: Person
    readonly page: Page
    readonly complaints: string[]
    /** The addresses of the redirects that the callback has answered with. */
    readonly sentOn: string[]
  }

  /** Signs in with password and code at an app whose callback redirects to `onTo`. */
  async function signInAt(
    callback: { readonly server: (answer: Answer) => Server; readonly scheme: string },
    onTo: string,
    play: (journey: Journey) => Promise<void>,
  ): Promise<void> {
    const sentOn: string[] = []
    const port = await listen(
      callback.server((_request, response) => {
        sentOn.push(onTo)
        response.writeHead(302, { Location: onTo }).end()
      }),
    )
    const redirectUri = `${callback.scheme}://localhost:${port}/callback`
    const host = await startHost({
      configuration: {
        clients: [CLIENT, { ...CLIENT, client_id: 'on', redirect_uris: [redirectUri] }],
      },
    })
    const context = await browser.newContext({ ignoreHTTPSErrors: true })
    try {
      const person = await enrolledPerson(host)
      const page = await context.newPage()
      const complaints: string[] = []
      page.on('console', (message) => complaints.push(message.text()))
      await page.goto(authorizeUrl(host, { client_id: 'on', redirect_uri: redirectUri }).href)
      await page.locator('input[name=username]').fill(person.username)
      await page.locator('input[name=password]').fill(PASSWORD)
      await page.locator('form button').click()
      expect(await pageName(page)).to.equal('totp-verify')
      await page.locator('input[name=code]').fill(nextCode(host, person))
      await page.locator('form button').first().click({ noWaitAfter: true })
      await play({ host, person, page, complaints, sentOn })
    } finally {
      await context.close()
      await host.close()
    }
  }

  const plain = { server: (answer: Answer) => createServer(answer), scheme: 'http' }

  it('leads to another port of localhost', async () => {
    const onTo = `http://localhost:${await startPage()}/`
    await signInAt(plain, onTo, async ({ page, complaints }) => {
      await page.waitForURL(onTo)
      expect(await pageName(page)).to.equal('arrived')
      expect(complaints.filter(isOfPolicy)).to.deep.equal([])
    })
  })

  it('leads from https to http', async () => {
    const files = { key: join(folder, 'key.pem'), certificate: join(folder, 'cert.pem') }
    makeCertificate(files)
    const options = { key: readFileSync(files.key), cert: readFileSync(files.certificate) }
    const secure = {
      server: (answer: Answer) => createSecureServer(options, answer),
      scheme: 'https',
    }
    const onTo = `http://localhost:${await startPage()}/`
    await signInAt(secure, onTo, async ({ page, complaints }) => {
      await page.waitForURL(onTo)
      expect(await pageName(page)).to.equal('arrived')
      expect(complaints.filter(isOfPolicy)).to.deep.equal([])
    })
  })

  it('leads to a program of the machine, by a scheme of its own', async () => {
    await signInAt(plain, 'claude://signed-in', async ({ page, complaints, sentOn }) => {
      // No program is registered for the scheme here. Chromium asks the machine for one, and stays on its page.
      await page
        .waitForEvent('requestfailed', (request) => request.url() === 'claude://signed-in')
        .catch(() => undefined)
      expect(sentOn).to.deep.equal(['claude://signed-in'])
      expect(complaints.filter(isOfPolicy)).to.deep.equal([])
    })
  })
})

type Answer = Parameters<typeof createServer>[1] & {}

function isOfPolicy(complaint: string): boolean {
  return /Content Security Policy|form-action/i.test(complaint)
}
