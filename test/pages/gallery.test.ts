import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import type { Page } from 'playwright-core'
import { axe } from './axe.ts'
import { SAMPLES, type Sample } from './samples.ts'
import { openStage, type Stage } from './stage.ts'

const SCREENSHOTS = fileURLToPath(new URL('../../screenshots/', import.meta.url))

const SCHEMES = ['light', 'dark'] as const
const WIDTHS = [1280, 320] as const

describe('the pages in a browser', function () {
  this.timeout(60_000)
  let stage: Stage
  let page: Page
  const complaints: string[] = []

  before(async function () {
    stage = await openStage(this)
    mkdirSync(SCREENSHOTS, { recursive: true })
    const context = await stage.browser.newContext({ locale: 'en', reducedMotion: 'reduce' })
    page = await context.newPage()
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text())
    })
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('request', (request) => {
      const { protocol, hostname } = new URL(request.url())
      if (protocol !== 'data:' && hostname !== '127.0.0.1') complaints.push(request.url())
    })
  })
  after(async () => stage?.close())

  for (const sample of SAMPLES)
    it(`${sample.name} is sound in light and dark, wide and narrow`, async () => {
      complaints.length = 0
      await page.setViewportSize({ width: 1280, height: 900 })
      await page.emulateMedia({ colorScheme: 'light' })
      await page.goto(stage.show(sample))
      for (const colorScheme of SCHEMES) {
        await page.emulateMedia({ colorScheme })
        expect(await axe(page), colorScheme).to.deep.equal([])
        for (const width of WIDTHS) {
          await page.setViewportSize({ width, height: 900 })
          await expectFit(page, width)
          if (isShown(sample, width, colorScheme)) await shoot(page, sample, width, colorScheme)
        }
      }
      expect(complaints).to.deep.equal([])
    })
})

/**
 * Expects no horizontal scrolling, no control below 24 px (WCAG 2.5.8), except links within a sentence, and no button that
 * touches the one above it.
 */
async function expectFit(page: Page, width: number): Promise<void> {
  expect(
    await page.evaluate<number>('document.documentElement.scrollWidth'),
    `${width} px`,
  ).to.be.at.most(width)
  const small = await page.evaluate<string[]>(`
    [...document.querySelectorAll('button, input:not([type=hidden]), summary, a')]
      .filter((element) => element.matches('.button') || !element.closest('p, .notice'))
      .filter((element) => {
        const { width, height } = element.getBoundingClientRect()
        return width > 0 && (width < 24 || height < 24)
      })
      .map((element) => element.outerHTML)`)
  expect(small, `${width} px`).to.deep.equal([])
  const touching = await page.evaluate<string[]>(`
    [...document.querySelectorAll('button:not(.link), .button')].flatMap((upper, at, buttons) =>
      buttons.slice(at + 1).filter((lower) => {
        const [one, other] = [upper.getBoundingClientRect(), lower.getBoundingClientRect()]
        const isBeside = one.right <= other.left || other.right <= one.left
        return one.width > 0 && other.width > 0 && !isBeside && other.top - one.bottom < 4
      }).map((lower) => upper.outerHTML + ' touches ' + lower.outerHTML))`)
  expect(touching, `${width} px`).to.deep.equal([])
}

/** Whether a picture is taken: the first state of a page is shown in all four ways, the others in two. */
function isShown(sample: Sample, width: number, scheme: string): boolean {
  const first = SAMPLES.find(({ page }) => page === sample.page) === sample
  return first || (width === 320) === (scheme === 'dark')
}

async function shoot(page: Page, sample: Sample, width: number, scheme: string): Promise<void> {
  const path = `${SCREENSHOTS}${sample.name}-${width}-${scheme}.png`
  await page.screenshot({ path, fullPage: true })
}
