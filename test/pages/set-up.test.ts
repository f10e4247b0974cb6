import { expect } from 'chai'
import type { Page } from 'playwright-core'
import { newPerson, type PersonOptions } from '../support/browser.ts'
import { SAMPLES, type Sample } from './samples.ts'
import { openStage, type Stage } from './stage.ts'

const SET_UP_PAGES = SAMPLES.filter(({ page }) => page === 'totp-enrol').flatMap((sample) =>
  ['en', 'de'].map((locale): Sample => ({
    ...sample,
    name: `${sample.name}-${locale}`,
    surroundings: { ...sample.surroundings, locale },
  })),
)
const LINK = 'a[href^="otpauth://"]'
const KEY = '#totp-secret'
const PICTURE = '.qr'

describe('the set-up page of an authenticator app, in a browser', function () {
  this.timeout(60_000)
  let stage: Stage

  before(async function () {
    stage = await openStage(this)
  })
  after(async () => stage?.close())

  async function look<T>(
    sample: Sample,
    options: PersonOptions,
    ask: (page: Page) => Promise<T>,
  ): Promise<T> {
    const { context, page } = await newPerson(stage.browser, options)
    try {
      await page.goto(stage.show(sample))
      return await ask(page)
    } finally {
      await context.close()
    }
  }

  for (const sample of SET_UP_PAGES)
    it(`has QR code, key and code field on one screen of 1280 x 800: ${sample.name}`, async () => {
      const ends = await look(sample, { viewport: { width: 1280, height: 800 } }, async (page) => {
        const edges: [string, number, number][] = []
        for (const part of [PICTURE, KEY, 'input[name=code]']) {
          const { y, height } = await boxOf(page, part)
          edges.push([part, y, y + height])
        }
        return edges
      })
      for (const [part, top, bottom] of ends) {
        expect(top, part).to.be.at.least(0)
        expect(bottom, part).to.be.at.most(800)
      }
    })

  const [fresh] = SET_UP_PAGES
  const order = (options: PersonOptions): Promise<readonly string[]> =>
    look(fresh!, options, async (page) => {
      const tops: { part: string; y: number }[] = []
      for (const part of [LINK, KEY, PICTURE]) tops.push({ part, y: (await boxOf(page, part)).y })
      return tops.toSorted((one, other) => one.y - other.y).map(({ part }) => part)
    })

  for (const width of [320, 390, 599])
    it(`leads with the link to the app, then the key, then the picture, under a finger at ${width} px`, async () => {
      const viewport = { width, height: 700 }
      expect(await order({ viewport, touch: true })).to.deep.equal([LINK, KEY, PICTURE])
      const { height } = await look(fresh!, { viewport, touch: true }, (page) => boxOf(page, LINK))
      expect(height).to.be.at.least(44)
    })

  it('leads with the picture where the pointer is a mouse, or the screen is wide', async () => {
    const small = await order({ viewport: { width: 320, height: 700 } })
    expect(small).to.deep.equal([PICTURE, LINK, KEY])
    const tablet = await order({ viewport: { width: 600, height: 900 }, touch: true })
    expect(tablet).to.deep.equal([PICTURE, LINK, KEY])
  })
})

async function boxOf(page: Page, selector: string) {
  const box = await page.locator(selector).boundingBox()
  if (box === null) throw new Error(`${selector} is not shown`)
  return box
}
