import { expect } from 'chai'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page, Response } from 'playwright-core'
import {
  axeFindings,
  DESKTOP,
  newPerson,
  pageName,
  PHONE,
  screenshot,
  type PersonOptions,
} from '../support/browser.ts'
import { oathtoolCode, type Authenticator } from '../support/totp.ts'
import type { Credentials, ServerProcess } from './server.ts'

export const PERIOD_SECONDS = 30

/** Somebody with a phone that was set up and codes that were written down. */
export interface Enrolled extends Credentials {
  readonly authenticator: Authenticator
  readonly backupCodes: readonly string[]
}

/** A person at a browser of their own. They see pages, type, press and scan; they know nothing of the product. */
export class Visitor {
  readonly server: ServerProcess
  readonly context: BrowserContext
  page: Page
  /** The authenticator on the phone, after the QR code was scanned. */
  authenticator: Authenticator | undefined
  /** The backup codes that the person has written down. */
  backupCodes: readonly string[] = []
  /** The code typed last: time may have passed since. */
  typed = ''
  readonly #javaScript: boolean
  readonly #complaints: string[] = []

  private constructor(
    server: ServerProcess,
    { context, page }: { context: BrowserContext; page: Page },
    javaScript: boolean,
  ) {
    this.server = server
    this.context = context
    this.page = page
    this.#javaScript = javaScript
    context.on('console', (message) => {
      // The status of a refused page is checked elsewhere; the line in the console adds nothing.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
        this.#complaints.push(`${message.location().url}: ${message.text()}`)
    })
    context.on('weberror', (error) => this.#complaints.push(String(error.error())))
    context.on('request', (request) => {
      const { hostname, protocol } = new URL(request.url())
      if (protocol !== 'data:' && hostname !== 'localhost' && hostname !== '127.0.0.1')
        this.#complaints.push(`a request to ${request.url()}`)
    })
  }

  static async arrive(
    browser: Browser,
    server: ServerProcess,
    options: PersonOptions = {},
  ): Promise<Visitor> {
    return new Visitor(server, await newPerson(browser, options), options.javaScript ?? true)
  }

  /** Closes the browser. Throws when a page met on the way asked a third party for something or failed in its script. */
  async leave(): Promise<void> {
    await this.context.close()
    expect(this.#complaints).to.deep.equal([])
  }

  /** The page's stable name. */
  async at(): Promise<string | null> {
    return pageName(this.page)
  }

  /**
   * Looks at the page that should be there: at its first sight in the whole run also with axe, at its width on a
   * phone, and for the album.
   */
  async see(name: string, state = ''): Promise<void> {
    expect(await this.at(), `the page at ${this.page.url()}`).to.equal(name)
    const sight = `journey-${name}${state === '' ? '' : `-${state}`}${this.#javaScript ? '' : '-no-script'}`
    if (seen.has(sight)) return
    seen.add(sight)
    const before = this.page.viewportSize() ?? DESKTOP
    // A desk at night, a phone in daylight; the gallery of test/pages has every page both ways.
    await this.page.setViewportSize(DESKTOP)
    await this.page.emulateMedia({ colorScheme: 'dark' })
    await this.#expectRoomForAll(sight)
    await screenshot(this.page, `${sight}-1280-dark`)
    await this.page.emulateMedia({ colorScheme: null })
    await this.page.setViewportSize(PHONE)
    await this.#expectRoomForAll(sight)
    await screenshot(this.page, `${sight}-320-light`)
    if (this.#javaScript) expect(await axeFindings(this.page), sight).to.deep.equal([])
    await this.page.setViewportSize(before)
  }

  /** Nothing is wider than its place: neither the page on its screen nor a code in its column. */
  async #expectRoomForAll(sight: string): Promise<void> {
    if (!this.#javaScript) return
    const tooWide = await this.page.evaluate<string[]>(`
      [document.documentElement, ...document.querySelectorAll('main *:not(.sr):not(input)')]
        .filter((each) => each.clientWidth > 0 && each.scrollWidth > each.clientWidth + 1)
        .map((each) => each.outerHTML.slice(0, 120))`)
    const { width } = this.page.viewportSize() ?? DESKTOP
    expect(tooWide, `${sight} at ${width} px`).to.deep.equal([])
  }

  /** Presses what the page is for: the first submit button of its first form. */
  async press(selector = FIRST_BUTTON): Promise<Response | null> {
    const [response] = await Promise.all([
      this.page.waitForResponse(isPageAnswer),
      this.page.locator(selector).first().click(),
    ])
    await this.page.waitForLoadState()
    return response
  }

  async visit(url: string): Promise<Response | null> {
    return this.page.goto(url)
  }

  /** At the app, pressing "Sign in"; an app that thinks it knows the person is asked by address. */
  async askToSignIn(app = this.server.app): Promise<void> {
    await this.visit(app)
    if ((await this.at()) === 'rp-home') await this.press('a[href="/sign-in"]')
    else await this.visit(`${app}/sign-in`)
  }

  async typePassword({ username, password }: Credentials): Promise<void> {
    await this.page.fill('input[name=username]', username)
    await this.page.fill('input[name=password]', password)
    await this.press()
  }

  /** Holds the phone up to the screen: what is read is what is seen. */
  async scan(): Promise<Authenticator & { readonly uri: URL }> {
    const folder = mkdtempSync(join(tmpdir(), 'mfa-scan-'))
    try {
      const path = join(folder, 'screen.png')
      await this.page.screenshot({ path, fullPage: true })
      const read = execFileSync('zbarimg', ['--quiet', '--raw', path], {
        stdio: ['ignore', 'pipe', 'ignore'],
      })
      const uri = new URL(read.toString().trim())
      const secret = uri.searchParams.get('secret') ?? ''
      this.authenticator = { secret }
      return { uri, secret }
    } finally {
      rmSync(folder, { recursive: true })
    }
  }

  /** The code that the phone shows; its clock is right. */
  code(offsetSeconds = 0): string {
    if (this.authenticator === undefined) throw new Error('Nothing was scanned.')
    return oathtoolCode(this.authenticator, this.server.now() + offsetSeconds)
  }

  /** A code that none of the accepted steps has. */
  wrongCode(): string {
    const near = [-60, -30, 0, 30, 60].map((offset) => this.code(offset))
    return (
      ['111111', '222222', '333333', '444444', '555555', '666666'].find(
        (code) => !near.includes(code),
      ) ?? ''
    )
  }

  /** The phone's next code: every one counts once. */
  async nextCode(): Promise<string> {
    await this.server.later(PERIOD_SECONDS)
    return this.code()
  }

  /** Types what is asked for and sends it. */
  async typeCode(code: string): Promise<Response | null> {
    this.typed = code
    await this.page.fill('input[name=code]', code)
    return this.press()
  }

  async typeBackupCode(code: string): Promise<Response | null> {
    await this.page.fill('input[name=backupCode]', code)
    return this.press()
  }

  /** From the set-up page to the app: scans, confirms, writes the codes down. */
  async setUp(): Promise<void> {
    await this.press('[data-factor=totp]')
    await this.scan()
    await this.typeCode(this.code())
    await this.writeCodesDown()
    await this.page.check('input[name=saved]')
    await this.press()
  }

  async writeCodesDown(): Promise<void> {
    this.backupCodes = await this.page.locator('#backup-codes li').allInnerTexts()
  }

  async allow(): Promise<void> {
    if ((await this.at()) === 'consent') await this.press()
  }

  /** The whole first sign-in at the demonstration app. */
  async enrolAt(app: string, person: Credentials): Promise<Enrolled> {
    await this.askToSignIn(app)
    await this.typePassword(person)
    await this.setUp()
    await this.allow()
    expect(await this.at()).to.equal('rp-signed-in')
    const { authenticator = { secret: '' }, backupCodes } = this
    return { ...person, authenticator, backupCodes }
  }

  /** Takes the phone and the notes of somebody who was set up in another browser. */
  take({ authenticator, backupCodes }: Enrolled): void {
    this.authenticator = authenticator
    this.backupCodes = backupCodes
  }

  /** The claims of the ID token, as the app shows them. */
  async claim(name: string): Promise<string> {
    return this.page.locator(`[data-claim=${name}]`).innerText()
  }

  async alert(): Promise<string> {
    return this.page.locator('[role=alert]').innerText()
  }

  /** A refused form says so in the title; the focus is on the summary, or in the page's only field. */
  async expectErrorFirst(focused = '[role=alert]'): Promise<void> {
    expect(await this.page.title()).to.match(/^Error: /)
    expect(await this.focusIsOn(focused), `the focus is on ${focused}`).to.equal(true)
  }

  async focusIsOn(selector: string): Promise<boolean> {
    return (await this.page.locator(`${selector}:focus`).count()) === 1
  }

  /** Forgets everything the browser was told: a new browser of the same person. */
  async forget(): Promise<void> {
    await this.context.clearCookies()
  }
}

const FIRST_BUTTON = 'form button:not([type=button])'

/** The pictures taken in this run: each state of each page once. */
const seen = new Set<string>()

function isPageAnswer(response: Response): boolean {
  return (
    response.request().isNavigationRequest() &&
    (response.status() < 300 || response.status() >= 400)
  )
}
