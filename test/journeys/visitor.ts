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

/** The browser of a German whose phone is set to dark and runs no script. */
export const GERMAN_PHONE: PersonOptions = {
  language: 'de-DE',
  javaScript: false,
  colorScheme: 'dark',
  viewport: PHONE,
  touch: true,
}

/** A person who has set up an authenticator on a phone and written the backup codes down. */
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
  /** The code that was typed last. */
  typed = ''
  readonly #javaScript: boolean
  readonly #language: string
  readonly #complaints: string[] = []

  private constructor(
    server: ServerProcess,
    { context, page }: { context: BrowserContext; page: Page },
    { javaScript = true, language = ENGLISH }: PersonOptions,
  ) {
    this.server = server
    this.context = context
    this.page = page
    this.#javaScript = javaScript
    this.#language = language
    context.on('console', (message) => {
      // Chromium logs this error for each page with the status of a refusal; the tests check the status themselves.
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
    return new Visitor(server, await newPerson(browser, options), options)
  }

  /** Closes the browser context. Throws if a page made a request to a third party or had an error in its script. */
  async leave(): Promise<void> {
    await this.context.close()
    expect(this.#complaints).to.deep.equal([])
  }

  /** The stable name of the present page. */
  async at(): Promise<string | null> {
    return pageName(this.page)
  }

  /**
   * Expects the page `name`. The first time that a run sees this page in this state, it also takes pictures and, with
   * JavaScript, checks the page with axe and its width on a desktop and on a phone.
   */
  async see(name: string, state = ''): Promise<void> {
    expect(await this.at(), `the page at ${this.page.url()}`).to.equal(name)
    const sight = [
      'journey',
      name,
      ...(state === '' ? [] : [state]),
      ...(this.#language === ENGLISH ? [] : [this.#language]),
      ...(this.#javaScript ? [] : ['no-script']),
    ].join('-')
    if (seen.has(sight)) return
    seen.add(sight)
    const before = this.page.viewportSize() ?? DESKTOP
    // The desktop is dark and the phone is light; test/pages has each page in both colour schemes.
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

  /** Expects that nothing is wider than its container: neither the page on the screen nor a code in its column. */
  async #expectRoomForAll(sight: string): Promise<void> {
    const tooWide = await this.page.evaluate<string[]>(`
      [document.documentElement, ...document.querySelectorAll('main *:not(.sr):not(input)')]
        .filter((each) => each.clientWidth > 0 && each.scrollWidth > each.clientWidth + 1)
        .map((each) => each.outerHTML.slice(0, 120))`)
    const { width } = this.page.viewportSize() ?? DESKTOP
    expect(tooWide, `${sight} at ${width} px`).to.deep.equal([])
  }

  /** Presses a button or link, by default the first submit button of the page, and returns the response. */
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

  /** Opens the app and presses "Sign in". If the app shows another page than its home page, opens /sign-in directly. */
  async askToSignIn(app = this.server.app): Promise<void> {
    await this.visit(app)
    if ((await this.at()) === 'rp-home') await this.press('a[href="/sign-in"]')
    else await this.visit(`${app}/sign-in`)
  }

  async typePassword({ username, password }: Credentials): Promise<void> {
    await this.page.fill('input[name=username]', username)
    await this.page.fill('input[name=password]', password)
    await this.press()
    await this.#chooseApp()
  }

  /** Chooses the authenticator app where a first factor is chosen. */
  async #chooseApp(): Promise<void> {
    if ((await this.at()) === 'mfa-choose') await this.press('[data-factor=totp]')
  }

  /** Reads the QR code from a picture of the page, as the camera of a phone does. */
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

  /** The code that the phone shows. The clock of the phone agrees with the server's. */
  code(offsetSeconds = 0): string {
    if (this.authenticator === undefined) throw new Error('Nothing was scanned.')
    return oathtoolCode(this.authenticator, this.server.now() + offsetSeconds)
  }

  /** A code that differs from the codes of all accepted time steps. */
  wrongCode(): string {
    const near = [-60, -30, 0, 30, 60].map((offset) => this.code(offset))
    return (
      ['111111', '222222', '333333', '444444', '555555', '666666'].find(
        (code) => !near.includes(code),
      ) ?? ''
    )
  }

  /** Waits for the next time step and returns its code, because each code is accepted only once. */
  async nextCode(): Promise<string> {
    await this.server.later(PERIOD_SECONDS)
    return this.code()
  }

  async typeCode(code: string): Promise<Response | null> {
    this.typed = code
    await this.page.fill('input[name=code]', code)
    const response = await this.press()
    await this.#chooseApp()
    return response
  }

  async typeBackupCode(code: string): Promise<Response | null> {
    await this.page.fill('input[name=backupCode]', code)
    return this.press()
  }

  /** Scans the QR code, confirms with a code, writes the backup codes down and continues. */
  async setUp(): Promise<void> {
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

  /** Does the whole first sign-in at an app. */
  async enrolAt(app: string, person: Credentials): Promise<Enrolled> {
    await this.askToSignIn(app)
    await this.typePassword(person)
    await this.setUp()
    await this.allow()
    expect(await this.at()).to.equal('rp-signed-in')
    const { authenticator = { secret: '' }, backupCodes } = this
    return { ...person, authenticator, backupCodes }
  }

  /** Takes the authenticator and the backup codes of a person who has enrolled in another browser. */
  take({ authenticator, backupCodes }: Enrolled): void {
    this.authenticator = authenticator
    this.backupCodes = backupCodes
  }

  /** A claim of the ID token as the app shows it. */
  async claim(name: string): Promise<string> {
    return this.page.locator(`[data-claim=${name}]`).innerText()
  }

  async alert(): Promise<string> {
    return this.page.locator('[role=alert]').innerText()
  }

  /** Expects "Error:" in the title, and the focus on the summary of errors or on the page's only field. */
  async expectErrorFirst(focused = '[role=alert]'): Promise<void> {
    expect(await this.page.title()).to.match(/^Error: /)
    expect(await this.focusIsOn(focused), `the focus is on ${focused}`).to.equal(true)
  }

  async focusIsOn(selector: string): Promise<boolean> {
    return (await this.page.locator(`${selector}:focus`).count()) === 1
  }

  /** Deletes the cookies, so that the browser is a new browser of the same person. */
  async forget(): Promise<void> {
    await this.context.clearCookies()
  }
}

const ENGLISH = 'en-GB'
const FIRST_BUTTON = 'form button:not([type=button])'

/** The names of the pictures that this run has taken: one for each state of each page. */
const seen = new Set<string>()

function isPageAnswer(response: Response): boolean {
  return (
    response.request().isNavigationRequest() &&
    (response.status() < 300 || response.status() >= 400)
  )
}
