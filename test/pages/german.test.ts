import { expect } from 'chai'
import type { Page } from 'playwright-core'
import { ENGLISH, SAMPLES, type Sample } from './samples.ts'
import { openStage, type Stage } from './stage.ts'

/** The state of each sample in German, with short names of the app and the service: a word that breaks is ours. */
const GERMAN = SAMPLES.filter(({ surroundings }) => surroundings.locale === 'en').map(
  ({ surroundings, ...sample }): Sample => ({
    ...sample,
    surroundings: { ...surroundings, locale: 'de' },
  }),
)

/**
 * The words that stand on two lines although they have no soft hyphen to break at. Addresses and names that an app or
 * a person has chosen are left out; in a sentence they are bold.
 */
const BROKEN = `[...document.querySelectorAll('main, footer')].flatMap((part) => {
  const found = []
  const walker = document.createTreeWalker(part, NodeFilter.SHOW_TEXT)
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (node.parentElement.closest('code, .sr, b, [hidden], .managed h2, .names, .who')) continue
    for (const { 0: word, index } of node.data.matchAll(/[\\p{L}\\p{N}\\u00ad]+/gu)) {
      const range = document.createRange()
      range.setStart(node, index)
      range.setEnd(node, index + word.length)
      const lines = new Set([...range.getClientRects()].map(({ top }) => Math.round(top)))
      if (lines.size > 1 && !word.includes('\\u00ad')) found.push(word)
    }
  }
  return found
})`

describe('the pages in German, 320 px wide', function () {
  this.timeout(60_000)
  let stage: Stage
  let page: Page

  before(async function () {
    stage = await openStage(this)
    page = await stage.browser.newPage({ viewport: { width: 320, height: 900 } })
  })
  after(async () => stage?.close())

  it('break no word without a hyphen, and never scroll sideways', async () => {
    const faults: Record<string, unknown> = {}
    for (const sample of GERMAN) {
      await page.goto(stage.show(sample))
      const width = await page.evaluate<number>('document.documentElement.scrollWidth')
      const broken = await page.evaluate<string[]>(BROKEN)
      if (width > 320 || broken.length > 0) faults[sample.name] = { width, broken }
    }
    expect(GERMAN.map(({ page: name }) => name)).to.include('account')
    expect(faults).to.deep.equal({})
  })

  it('are told from pages whose words break', async () => {
    const sample = GERMAN.find(({ page: name }) => name === 'signed-out')!
    const issuerName = 'Rindfleischetikettierungsüberwachungsaufgaben'
    await page.goto(stage.show({ ...sample, surroundings: { ...ENGLISH, issuerName } }))
    expect(await page.evaluate<string[]>(BROKEN)).to.include(issuerName)
  })
})

describe('the pages in the colours of the person', function () {
  this.timeout(60_000)
  let stage: Stage
  let page: Page

  before(async function () {
    stage = await openStage(this)
    page = await stage.browser.newPage()
    await page.emulateMedia({ forcedColors: 'active' })
  })
  after(async () => stage?.close())

  for (const [name, other = '[data-refuse]'] of [
    ['consent-usual'],
    ['device-confirm-plain'],
    ['logout-known'],
    ['switch-account-plain'],
    ['login-passkey', '[data-passkey-sign-in] button'],
    ['passkey-verify-fresh', '[data-another-device] button'],
    ['passkey-offer-plain', '[value=not-now]'],
  ] as const)
    it(`tell the button that agrees from the other one: ${name}`, async () => {
      await page.goto(stage.show(SAMPLES.find((sample) => sample.name === name)!))
      // The background of the other button is transparent, so only the colour of the text tells them apart for certain.
      const look = (selector: string): Promise<string> =>
        page.evaluate<string>(`getComputedStyle(document.querySelector('${selector}')).color`)
      await page.locator(other).waitFor()
      expect(await look('form button:not([type=button])')).to.not.equal(await look(other))
    })
})
