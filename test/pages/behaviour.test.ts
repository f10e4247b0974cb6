import { expect } from 'chai'
import type { BrowserContext, Page } from 'playwright-core'
import { PAGES, SAMPLES, type Sample } from './samples.ts'
import { openStage, type Stage } from './stage.ts'

function sampleOf(name: string): Sample {
  const found = SAMPLES.find((sample) => sample.name === name)
  if (found === undefined) throw new Error(`There is no sample ${name}`)
  return found
}

/** A passkey needs a script: without one, its form has nothing to press. */
const OF_A_SCRIPT = ':is([data-passkey], [data-passkey-sign-in]) *'

describe('a page in use', function () {
  this.timeout(60_000)
  let stage: Stage
  let context: BrowserContext
  let page: Page

  before(async function () {
    stage = await openStage(this)
  })
  after(async () => stage?.close())
  afterEach(async () => context?.close())

  async function open(name: string, options: { script: boolean } = { script: true }) {
    context = await stage.browser.newContext({
      javaScriptEnabled: options.script,
      permissions: ['clipboard-read', 'clipboard-write'],
    })
    page = await context.newPage()
    await page.clock.install()
    await page.goto(stage.show(sampleOf(name)))
  }
  /** Stops the page's clock: only the test moves it from here on. */
  const stopClock = async (): Promise<void> =>
    page.clock.pauseAt((await page.evaluate<number>('Date.now()')) + 60_000)
  const clipboard = async () => page.evaluate<string>('navigator.clipboard.readText()')

  it('shows and hides a password, and never sends it from a field in clear', async () => {
    await open('login-empty')
    const password = page.locator('input[name=password]')
    const button = page.locator('[data-reveal]')
    await password.fill('correct horse')
    await button.click()
    expect(await password.getAttribute('type')).to.equal('text')
    expect(await button.textContent()).to.equal('Hide')
    expect(await page.getByRole('button', { name: 'Hide the password' }).count()).to.equal(1)
    await page.locator('form button:not([type=button])').click()
    expect(await password.getAttribute('type')).to.equal('password')
    expect(await button.textContent()).to.equal('Show')
    expect(await page.getByRole('button', { name: 'Show the password' }).count()).to.equal(1)
  })

  it('copies the secret without its spaces, and says so', async () => {
    await open('totp-enrol-fresh')
    const button = page.locator('[data-copy]')
    await button.click()
    await page.getByRole('status').getByText('Copied').waitFor({ state: 'attached' })
    expect(await page.getByRole('button', { name: 'Copied' }).count()).to.equal(1)
    expect(await clipboard()).to.equal('JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP')
    await page.clock.runFor(2_000)
    expect(await button.textContent()).to.equal('Copy')
    expect(await page.getByRole('button', { name: 'Copy the key' }).count()).to.equal(1)
  })

  it('copies the backup codes, one a line', async () => {
    await open('backup-codes-fresh')
    await page.locator('[data-copy]').click()
    await page.getByRole('status').getByText('Copied').waitFor({ state: 'attached' })
    const lines = (await clipboard()).split('\n')
    expect(lines).to.have.length(10).and.include('FQD8-TY4G-FWM6-RJHC')
  })

  it('prints the codes, whose they are and nothing to press', async () => {
    await open('backup-codes-fresh')
    await page.evaluate('window.print = () => { document.title = "printed" }')
    await page.locator('[data-print]').click()
    expect(await page.title()).to.equal('printed')
    await page.emulateMedia({ media: 'print' })
    expect(await page.locator('#backup-codes li').first().isVisible()).to.equal(true)
    expect(await page.locator('.paper').isVisible()).to.equal(true)
    expect(await page.locator('.who').isVisible()).to.equal(true)
    for (const pressable of await page.locator('button, a, input').all())
      expect(await pressable.isVisible()).to.equal(false)
  })

  it('sends a form once, however often the button is pressed, and again when no answer came for 30 seconds', async () => {
    await open('totp-verify-fresh')
    await stopClock()
    const button = page.locator('form button').first()
    const sent = stage.posted.length
    await page.locator('input[name=code]').fill('287 082')
    const answered = page.waitForResponse((response) => response.request().method() === 'POST')
    await button.dblclick()
    await answered
    await page.locator('input[name=code]').press('Enter')
    await page.clock.runFor(29_000)
    await button.click({ force: true })
    expect(stage.posted.slice(sent)).to.deep.equal(['csrf=c5rf&code=287+082'])
    expect(await button.getAttribute('aria-disabled')).to.equal('true')

    await page.clock.runFor(1_000)
    expect(await button.getAttribute('aria-disabled')).to.equal(null)
    expect(await button.getAttribute('aria-busy')).to.equal(null)
    expect(await status()).to.deep.equal(['No answer has come. Please try again.'])
    const again = page.waitForResponse((response) => response.request().method() === 'POST')
    await button.click()
    await again
    expect(stage.posted.slice(sent)).to.have.length(2)
    expect(await status()).to.deep.equal([''])
  })

  const status = async () => page.locator('.working[role=status]').allTextContents()
  /** The selectors' elements that show a turning ring. */
  const shown = async (selector: string): Promise<string[]> =>
    page.evaluate<string[]>(
      `[...document.querySelectorAll(${JSON.stringify(selector)})]
        .filter((element) => {
          const ring = getComputedStyle(element, '::after')
          return ring.content !== 'none' && ring.borderTopColor === 'rgba(0, 0, 0, 0)'
        })
        .map((element) => element.textContent.trim().split('\\n')[0])`,
    )

  for (const [name, press, other] of [
    ['totp-verify-fresh', 'form button', '[data-refuse]'],
    ['mfa-choose-verify', '[data-factor=backup-codes]', '[data-factor=totp]'],
    ['account-usual', '[data-do=remove]', '[data-do=rename]'],
    ['totp-verify-fresh', '[data-not-you]', 'form button'],
    ['owner-proof-again', '[data-send]', 'form button'],
    ['consent-usual', '[data-refuse]', 'form button'],
    ['error-terse', 'a.button', 'footer a'],
  ] as const)
    it(`shows on the button that it was pressed, and after five seconds says so: ${press} of ${name}`, async () => {
      await open(name)
      await stopClock()
      await page.route('**/*', (route) =>
        route.request().isNavigationRequest() ? route.fulfill({ status: 204 }) : route.continue(),
      )
      const [button, another] = [page.locator(press).first(), page.locator(other).first()]
      expect(await shown('[aria-busy=true]')).to.deep.equal([])
      await button.click()
      expect(await button.getAttribute('aria-busy')).to.equal('true')
      expect(await another.getAttribute('aria-busy')).to.equal(null)
      expect(await shown('button, .button')).to.have.length(1)
      await page.clock.runFor(4_900)
      expect(await status()).to.deep.equal([''])
      await page.clock.runFor(100)
      expect(await status()).to.deep.equal(['This takes longer than usual. Please wait.'])
      expect(await page.locator('.working').isVisible()).to.equal(true)
    })

  it('is as it was when a person comes back to it from the next page', async () => {
    await open('totp-verify-fresh')
    await stopClock()
    const button = page.locator('form button').first()
    await page.locator('input[name=code]').fill('287 082')
    const answered = page.waitForResponse((response) => response.request().method() === 'POST')
    await button.click()
    await answered
    await page.clock.runFor(5_000)
    await page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    expect(await status()).to.deep.equal([])
    expect(await button.getAttribute('aria-busy')).to.equal(null)
    expect(await button.getAttribute('aria-disabled')).to.equal(null)
    await page.clock.runFor(60_000)
    expect(await status()).to.deep.equal([])
    const again = page.waitForResponse((response) => response.request().method() === 'POST')
    await button.click()
    await again
    expect(stage.posted.at(-1)).to.equal('csrf=c5rf&code=287+082')
  })

  it('shows nothing on a button whose form a script of a factor holds back', async () => {
    await open('totp-verify-fresh')
    await page.evaluate(
      "document.querySelector('form').addEventListener('submit', (event) => event.preventDefault())",
    )
    const button = page.locator('form button').first()
    await button.click()
    await page.clock.runFor(1)
    expect(await button.getAttribute('aria-busy')).to.equal(null)
    expect(await button.getAttribute('aria-disabled')).to.equal(null)
  })

  it('sends which method was chosen', async () => {
    await open('mfa-choose-verify')
    const answered = page.waitForResponse((response) => response.request().method() === 'POST')
    await page.locator('[data-factor=backup-codes]').click()
    await answered
    expect(stage.posted.at(-1)).to.equal('csrf=c5rf&factor=backup-codes')
  })

  it('says at what time of day a set-up ends, in the person’s zone', async () => {
    context = await stage.browser.newContext({ timezoneId: 'Asia/Tokyo' })
    page = await context.newPage()
    await page.clock.install({ time: '2026-11-28T10:00:00Z' })
    await page.goto(stage.show(sampleOf('totp-enrol-fresh')))
    const end = page.locator('[data-ends-in]')
    expect(await end.textContent()).to.match(/^This set-up ends at 7:30\sPM\.$/)
  })

  for (const [javaScriptEnabled, words, day, moment] of [
    [true, 'in the person’s zone', 'January 2, 2026', /^September 22, 2026 at 4:13\sAM$/],
    [
      false,
      'without script in UTC, which it names',
      'January 1, 2026 (UTC)',
      /^September 21, 2026 at 2:13\sPM \(UTC\)$/,
    ],
  ] as const)
    it(`shows days and moments ${words}`, async () => {
      context = await stage.browser.newContext({
        timezoneId: 'Pacific/Kiritimati',
        javaScriptEnabled,
      })
      page = await context.newPage()
      await page.goto(stage.show(sampleOf('account-only')))
      const [added, used] = await page.locator('time').allTextContents()
      expect(added).to.equal(day)
      expect(used).to.match(moment)
    })

  it('counts a lock down and says when it is over', async () => {
    await open('locked-short')
    const wait = page.locator('[data-countdown]')
    await page.clock.runFor(12_000)
    expect(await wait.textContent()).to.equal('Try again in 18 seconds.')
    expect(await wait.getAttribute('role')).to.equal('timer')
    await page.clock.runFor(18_000)
    expect(await wait.textContent()).to.equal('You can try again now.')
    expect(await wait.getAttribute('role')).to.equal('status')
  })

  it('counts a long lock down in the words of the server', async () => {
    await open('locked-long')
    const wait = page.locator('[data-countdown]')
    await page.clock.runFor(1_000)
    expect(await wait.textContent()).to.equal('Try again in about 32 minutes.')
    await page.clock.runFor(1_790_000)
    expect(await wait.textContent()).to.equal('Try again in 109 seconds.')
  })

  for (const script of [true, false]) {
    it(`has the focus in the only field after an error, ${script ? 'with' : 'without'} script, and Enter sends it`, async () => {
      await open('totp-verify-refused', { script })
      await page.locator('input[name=code]:focus').waitFor()
      await page.keyboard.type('287082')
      const answered = page.waitForResponse((response) => response.request().method() === 'POST')
      await page.keyboard.press('Enter')
      await answered
      expect(stage.posted.at(-1)).to.equal('csrf=c5rf&code=287082')
    })

    it(`has the focus on the summary above several fields, ${script ? 'with' : 'without'} script`, async () => {
      await open('totp-enrol-refused', { script })
      const focused = page.locator('[role=alert]:focus')
      await focused.waitFor()
      expect(await focused.textContent()).to.include('That code was not accepted')
    })
  }

  it('has the focus on the field to type into, where there is one', async () => {
    await open('totp-verify-fresh')
    await page.locator('input[name=code]:focus').waitFor()
  })

  it('shows without script nothing that needs it, and sends its form', async () => {
    await open('login-empty', { script: false })
    expect(await page.locator('[data-reveal]').isVisible()).to.equal(false)
    await page.locator('input[name=username]').fill('mira')
    await page.locator('input[name=password]').fill('correct horse')
    const answered = page.waitForResponse((response) => response.request().method() === 'POST')
    await page.locator('form button:not([type=button])').click()
    await answered
    expect(stage.posted.at(-1)).to.equal('csrf=c5rf&username=mira&password=correct+horse')
  })

  it('shows without script every page that it shows with it', async () => {
    await open('login-empty', { script: false })
    for (const name of PAGES) {
      const sample = SAMPLES.find((candidate) => candidate.page === name) as Sample
      await page.goto(stage.show(sample))
      expect(await page.locator('h1').isVisible(), name).to.equal(true)
      for (const instead of await page.locator('noscript').all())
        expect(await instead.isVisible(), name).to.equal(true)
      for (const button of await page.locator(`button:not([type=button], ${OF_A_SCRIPT})`).all())
        expect(await button.isVisible(), name).to.equal(true)
    }
  })
})
