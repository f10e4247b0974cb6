import { expect } from 'chai'
import type { BrowserContext, Page } from 'playwright-core'
import { newPerson, PHONE, screenshots, type PersonOptions } from '../support/browser.ts'
import { axe } from './axe.ts'
import { SAMPLES } from './samples.ts'
import { openStage, type Stage } from './stage.ts'

/**
 * A browser whose calls for a passkey end as the test says, in place of a window. `calls` has the options of each call;
 * the test ends the last one with `answer(id)` or with `fail(name)`, the name of a DOMException.
 */
const WINDOW = `{
  const bytes = new Uint8Array([1, 2, 3]).buffer
  const ask = (options) => new Promise((resolve, reject) => {
    calls.push(options)
    globalThis.fail = (name) => reject(new DOMException('', name))
    globalThis.answer = (id) => resolve({ id, rawId: bytes, type: 'public-key', response: { clientDataJSON: bytes } })
  })
  globalThis.calls = []
  navigator.credentials.create = ask
  navigator.credentials.get = ask
  PublicKeyCredential.isConditionalMediationAvailable = async () => false
}`
const FORM = 'form:is([data-passkey], [data-passkey-sign-in])'
const LOGIN = 'login-passkey'
const CREATE = 'passkey-enrol-fresh'
const GET = 'passkey-verify-fresh'

describe('a page that asks for a passkey, in a browser', function () {
  this.timeout(60_000)
  let stage: Stage
  let context: BrowserContext
  let page: Page

  before(async function () {
    stage = await openStage(this)
  })
  after(async () => stage?.close())
  afterEach(async () => context?.close())

  async function open(name: string, options: PersonOptions & { without?: string } = {}) {
    const { without, ...person } = options
    ;({ context, page } = await newPerson(stage.browser, person))
    await page.addInitScript(without ?? WINDOW)
    const [, english, german] = /^(.*?)(?: (de))?$/.exec(name) ?? []
    const sample = SAMPLES.find((each) => each.name === english)
    if (sample === undefined) throw new Error(`There is no sample ${name}`)
    const locale = german ?? sample.surroundings.locale
    const shown = { ...sample, name: name.replace(' ', '-') }
    await page.goto(stage.show({ ...shown, surroundings: { ...sample.surroundings, locale } }))
  }
  const button = () => page.locator(`${FORM} button`)
  const calls = () => page.evaluate<number>('calls.length')
  const isBusy = async () => (await button().getAttribute('aria-busy')) === 'true'
  const alerts = () => page.locator('[role=alert]').count()

  /** Presses the button and lets the browser end its call with an error; returns the words of the page. */
  async function refuse(error: string): Promise<string> {
    await button().click()
    await page.evaluate(`fail(${JSON.stringify(error)})`)
    await page.locator('[data-passkey-problem]').waitFor()
    return page.locator('[data-passkey-status]').innerText()
  }

  for (const [name, cancelled, already, failed] of [
    [
      CREATE,
      'No passkey was created. Try again when you are ready.',
      'This device already has a passkey for your account. To add another one, use a different device or a security key.',
      'Your browser could not use a passkey here. Try again, or use another way.',
    ],
    [
      GET,
      'No passkey was used. Try again. If your passkey is not on this device, choose “Use another device”.',
      undefined,
      'Your browser could not use a passkey here. Try again, or use another way.',
    ],
    [
      LOGIN,
      'No passkey was used. Try again, or sign in another way.',
      undefined,
      'Your browser could not use a passkey here. Sign in another way.',
    ],
  ] as const)
    it(`${name} says why the browser gave none, in a region that is announced, and can be tried again`, async () => {
      await open(name)
      expect(await page.locator('[data-passkey-status]').getAttribute('role')).to.equal('status')
      expect(await refuse('NotAllowedError')).to.equal(cancelled)
      expect(await refuse('AbortError')).to.equal(cancelled)
      if (already !== undefined) expect(await refuse('InvalidStateError')).to.equal(already)
      for (const error of ['SecurityError', 'NotSupportedError'])
        expect(await refuse(error)).to.equal(failed)
      expect(await alerts()).to.equal(0)
      expect(await isBusy()).to.equal(false)
      expect(await axe(page)).to.deep.equal([])
    })

  for (const name of [CREATE, GET, LOGIN])
    for (const problem of ['NotAllowedError', 'InvalidStateError', 'SecurityError'])
      it(`${name} fits a phone in German after ${problem}`, async () => {
        await open(`${name} de`, { viewport: PHONE, colorScheme: 'dark' })
        expect(await refuse(problem)).to.match(/Passkey/)
        expect(await page.evaluate('document.documentElement.scrollWidth')).to.equal(PHONE.width)
        expect(await axe(page)).to.deep.equal([])
        await screenshots(page, `${name}-${problem}-de`)
      })

  for (const name of [CREATE, GET, LOGIN])
    it(`${name} asks once and sends once, however often its button is pressed, and shows that it waits`, async () => {
      await open(name)
      const before = stage.posted.length
      await button().focus()
      await page.keyboard.press('Enter')
      await button().dblclick()
      await page.locator(`${FORM} [aria-busy=true]`).waitFor()
      expect(await calls()).to.equal(1)
      const sent = page.waitForResponse((response) => response.request().method() === 'POST')
      await page.evaluate("answer('AQID')")
      await sent
      expect(await isBusy()).to.equal(true)
      await button().click({ force: true })
      expect(await calls()).to.equal(1)
      const posted = stage.posted.slice(before).map((body) => new URLSearchParams(body))
      expect(posted).to.have.length(1)
      const response = { clientDataJSON: 'AQID' }
      expect(JSON.parse(posted[0]?.get('credential') ?? '')).to.deep.equal({
        id: 'AQID',
        rawId: 'AQID',
        type: 'public-key',
        response,
      })
    })

  it('asks for another device with every transport, and marks the button that was pressed', async () => {
    await open(GET)
    const other = page.locator('[data-another-device] button')
    await other.click()
    await page.locator('[data-another-device] [aria-busy=true]').waitFor()
    await button().click()
    await page.locator(`${FORM} [aria-busy]`).waitFor({ state: 'detached' })
    expect(await page.evaluate('calls.map(({ publicKey }) => publicKey.hints)')).to.deep.equal([
      ['hybrid', 'security-key'],
    ])
    await page.evaluate("fail('NotAllowedError')")
    await page.locator('[data-passkey-problem]').waitFor()
    expect(await other.getAttribute('aria-busy')).to.equal(null)
  })

  for (const name of [
    'passkey-enrol-refused',
    'passkey-verify-refused',
    'passkey-verify-maker-refused',
    'login-passkey-refused',
    'sign-in-refused-again',
  ])
    it(`${name} has the focus on what was wrong, and takes it away when the browser is asked again`, async () => {
      await open(name)
      await page.locator('[role=alert]:focus').waitFor()
      if (name.includes('maker')) return
      // With a keyboard: the button follows the alert, but for the box of a trusted browser.
      await page.keyboard.press('Tab')
      expect(await page.locator(`${FORM} button:focus`).count()).to.equal(1)
      await refuse('NotAllowedError')
      expect(await alerts()).to.equal(0)
    })

  for (const [name, words] of [
    [CREATE, 'This browser cannot use passkeys. Use another browser or another way.'],
    ['passkey-enrol-only', 'This browser cannot use passkeys. Use another browser.'],
    [GET, 'This browser cannot use passkeys. Use another browser or another way.'],
    ['passkey-verify-only', 'This browser cannot use passkeys. Use another browser.'],
  ] as const)
    it(`${name} leads on in a browser without WebAuthn`, async () => {
      await open(name, { without: 'delete window.PublicKeyCredential' })
      expect(await page.locator('[data-passkey-status]').innerText()).to.equal(words)
      await expectWayOn(words)
      expect(await axe(page)).to.deep.equal([])
    })

  for (const name of [CREATE, 'passkey-enrol-only', GET, 'passkey-verify-only'])
    it(`${name} leads on without JavaScript`, async () => {
      await open(name, { javaScript: false })
      const words = await page.locator('noscript p').innerText()
      expect(words).to.match(/^Passkeys need JavaScript\./)
      await expectWayOn(words)
      await screenshots(page, `${name}-without-script`)
    })

  /** Nothing can be pressed in vain, and what the page says of other ways is true. */
  async function expectWayOn(words: string): Promise<void> {
    expect(await button().isVisible()).to.equal(false)
    expect(await page.locator('[data-another-device]').count()).to.be.oneOf([0, 1])
    for (const each of await page.locator('[data-another-device]').all())
      expect(await each.isVisible()).to.equal(false)
    expect(await page.locator('main [data-refuse]').isVisible()).to.equal(true)
    const others = page.locator('main [data-other-way]')
    expect(await others.count()).to.equal(words.includes('another way') ? 1 : 0)
    for (const each of await others.all()) expect(await each.isVisible()).to.equal(true)
  }

  it('is as it was on a login page without WebAuthn: the form of a passkey is not shown', async () => {
    await open(LOGIN, { without: 'delete window.PublicKeyCredential' })
    expect(await page.locator(FORM).isVisible()).to.equal(false)
    expect(await page.locator('input[name=username]:focus').count()).to.equal(1)
  })
})
