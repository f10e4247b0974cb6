import { mkdirSync } from 'node:fs'
import { expect } from 'chai'
import type { Browser, Page } from 'playwright-core'
import { MAIL_VALUES, type MailTemplate } from '../../src/http/mail.ts'
import { launchBrowser, SCREENSHOTS } from '../support/browser.ts'
import { axe, WCAG } from './axe.ts'
import { ourViews } from './stage.ts'

const TOKEN =
  'eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..q3Zk1n0Vt8sQmJ2f.Zx41pWcR6uYhT0aLbKdEo9iG7vNsXw'
const VALUES: Readonly<Record<string, string>> = {
  issuer: 'Acme',
  code: '0419 5377',
  minutes: '10',
  hours: '24',
  at: '1767261600',
  until: '1767520800',
  factor: 'totp',
  name: 'Mira’s new phone',
  replaced: 'Mira’s old phone',
  remaining: '2',
  app: 'Fieldnotes',
  account: 'mira',
  browser: 'Firefox on Linux',
  place: '203.0.113.0/24',
  manageUrl: 'https://id.example.com/account',
  helpUrl: 'https://help.example.com/sign-in',
  notMeUrl: `https://id.example.com/mfa/not-me/${TOKEN}?ui_locales=en`,
  cancelUrl: `https://id.example.com/mfa/cancel-recovery/${TOKEN}`,
  confirmUrl: `https://id.example.com/email/confirm/${TOKEN}`,
  setUpUrl: `https://id.example.com/set-up/${TOKEN}`,
  resetUrl: `https://id.example.com/password/reset/${TOKEN}`,
}
/** The longest names that occur, without a place for a line break. */
const LONG: Readonly<Record<string, string>> = {
  ...VALUES,
  issuer: 'Landesarbeitsgemeinschaft für Donaudampfschifffahrtsgesellschaftskapitänswesen e. V.',
  account: 'maximiliane.von-und-zu-hohenlohe-waldenburg-schillingsfuerst@verwaltung.example.com',
  name: 'Donaudampfschifffahrtsgesellschaftstelefon',
  replaced: 'Donaudampfschifffahrtsgesellschaftstelefon',
  app: 'Donaudampfschifffahrtsgesellschaftskapitänsanwendung',
  place: '2001:db8:85a3::/48',
}
/** The markup is that of one template in both languages, so axe looks at it in English alone. */
const VIEWS = {
  en: [
    ['light', 600],
    ['dark', 320],
  ],
  de: [
    ['light', 320],
    ['dark', 600],
  ],
} as const

describe('the mails in a browser', function () {
  this.timeout(60_000)
  const { renderMail } = ourViews()
  let browser: Browser
  let page: Page
  const requests: string[] = []

  before(async function () {
    browser = await launchBrowser(this)
    mkdirSync(SCREENSHOTS, { recursive: true })
    page = await browser.newPage()
    page.on('request', (request) => requests.push(request.url()))
  })
  after(async () => browser?.close())

  const write = (template: MailTemplate, locale: string, values = VALUES) => {
    const { needed, optional } = MAIL_VALUES[template]
    const given = [...needed, ...optional].map((name) => [name, values[name] ?? ''])
    return renderMail(template, Object.fromEntries(given), locale).html
  }
  const width = () => page.evaluate<number>('document.documentElement.scrollWidth')

  for (const template of Object.keys(MAIL_VALUES) as MailTemplate[])
    for (const locale of ['en', 'de'] as const)
      it(`"${template}" is sound in ${locale}, narrow and wide, light and dark, and asks for nothing`, async () => {
        requests.length = 0
        await page.setContent(write(template, locale, LONG))
        await page.setViewportSize({ width: 320, height: 600 })
        expect(await width(), 'with long names').to.be.at.most(320)
        await page.setContent(write(template, locale))
        for (const [colorScheme, wide] of VIEWS[locale]) {
          await page.emulateMedia({ colorScheme })
          await page.setViewportSize({ width: wide, height: 600 })
          expect(await width()).to.be.at.most(wide)
          // A mail is a part of the page of a mail program, which has the landmarks.
          if (locale === 'en') expect(await axe(page, WCAG), colorScheme).to.deep.equal([])
          const path = `${SCREENSHOTS}mail-${template}-${locale}-${wide}-${colorScheme}.png`
          await page.screenshot({ path, fullPage: true })
        }
        expect(requests).to.deep.equal([])
      })
})
