import { expect } from 'chai'
import { browserName } from '../../src/domain/browser-name.ts'

const WEBKIT = 'AppleWebKit/537.36 (KHTML, like Gecko)'

describe("a browser's name", () => {
  const known: Readonly<Record<string, readonly [browser: string, system?: string]>> = {
    'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0': ['Firefox', 'Linux'],
    [`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${WEBKIT} Chrome/140.0.0.0 Safari/537.36`]: [
      'Chrome',
      'Windows',
    ],
    [`Mozilla/5.0 (Windows NT 10.0) ${WEBKIT} Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0`]: [
      'Edge',
      'Windows',
    ],
    [`Mozilla/5.0 (X11; CrOS x86_64) ${WEBKIT} Chrome/140.0.0.0 Safari/537.36 OPR/120.0`]: [
      'Opera',
      'ChromeOS',
    ],
    [`Mozilla/5.0 (Linux; Android 14) ${WEBKIT} SamsungBrowser/26.0 Chrome/122.0 Safari/537.36`]: [
      'Samsung Internet',
      'Android',
    ],
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1':
      ['Safari', 'iPhone'],
    'Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X) AppleWebKit/605.1.15 CriOS/140.0 Safari/604.1': [
      'Chrome',
      'iPad',
    ],
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15':
      ['Safari', 'macOS'],
    [`Mozilla/5.0 (X11; Linux x86_64) ${WEBKIT} HeadlessChrome/140.0.0.0 Safari/537.36`]: [
      'Chrome',
      'Linux',
    ],
    'Firefox on a toaster': ['Firefox'],
  }
  for (const [userAgent, [browser, system]] of Object.entries(known))
    it(`is ${browser} on ${system ?? 'nothing we know'} for "${userAgent.slice(-40)}"`, () => {
      expect(browserName(userAgent)).to.deep.equal(
        system === undefined ? { browser } : { browser, system },
      )
    })

  it('is none for what calls itself something else', () => {
    for (const userAgent of ['', 'curl/8.5.0', 'Your account is closed: https://evil.example'])
      expect(browserName(userAgent)).to.equal(undefined)
  })
})
