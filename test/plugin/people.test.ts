import { expect } from 'chai'
import { HttpClient } from '../support/http-client.ts'
import { authorizeUrl, callbackOf, follow, redeem, showPassword, startHost } from './host.ts'
import { STORAGES } from './recorded-storage.ts'
import { enrolledPerson, nextCode, signIn, wrongCode } from './sign-in.ts'

/** Account ids that an application may have and that a storage or a plain object may handle wrongly. */
const AWKWARD = [
  '__proto__',
  'constructor',
  'a.b$c',
  "O'Brien'); DROP TABLE mfa_records; --",
  '例え@例え.jp',
  '{"$ne":null}',
  'x'.repeat(200),
]

for (const [name, storage] of Object.entries(STORAGES))
  describe(`people of every kind of id (${name})`, () => {
    for (const username of AWKWARD)
      it(`sign in: ${username.slice(0, 40)}`, async () => {
        const host = await startHost({ storage })
        try {
          const person = await enrolledPerson(host, username)
          const back = await signIn(host, new HttpClient(), person)
          expect((await redeem(host, callbackOf(back))).claims.sub).to.equal(username)
          await host.mfa.accounts.passwordChanged(username)
          const silent = await person.browser.get(authorizeUrl(host, { prompt: 'none' }))
          expect(callbackOf(silent).get('error')).to.equal('login_required')
          expect((await host.mfa.accounts.status('mira')).enrolled).to.equal(false)
        } finally {
          await host.close()
        }
      })
  })

describe('the description of a person', () => {
  it('R31 each attempt with its factor, its outcome and where it came from', async () => {
    const host = await startHost()
    try {
      const mira = await enrolledPerson(host)
      host.events.length = 0
      const browser = new HttpClient({ headers: { 'user-agent': 'Test/1.0' } })
      const verify = await showPassword(host, browser, 'mira')
      await browser.submit(verify, { code: wrongCode(host, mira) })
      await follow(host, browser, await browser.submit(verify, { code: nextCode(host, mira) }))
      const thief = new HttpClient()
      for (let nth = 0; nth < 5; nth += 1) {
        const page = await showPassword(host, thief, 'mira')
        await thief.submit(page, { code: wrongCode(host, mira, nth) })
      }
      await host.mfa.settled()
      // The decisions that led to the pages have entries of their own.
      const attempts = host.events.filter(({ type }) => type !== 'policy-decided')
      const told = attempts.map(({ type, detail: { factor, reason, browser: kind } }) =>
        [type, factor, reason, kind].filter(Boolean).join(' '),
      )
      expect(told).to.deep.equal([
        'factor-refused totp wrong unknown',
        'factor-accepted totp unknown',
        ...Array.from({ length: 5 }, () => 'factor-refused totp wrong unknown'),
        'locked totp unknown',
      ])
      const { accountId, at, detail } = attempts[0]!
      expect([accountId, at]).to.deep.equal(['mira', host.clock.at - 30])
      expect(detail).to.include({ clientId: 'app', userAgent: 'Test/1.0' })
      expect(detail.ip).to.match(/127\.0\.0\.1$/)
      expect(new Set(attempts.map(({ id }) => id))).to.have.property('size', told.length)
    } finally {
      await host.close()
    }
  })

  it('R31 R47 an attempt while locked, which changes nothing, is told by itself, and beyond ten by number', async () => {
    const host = await startHost()
    try {
      const mira = await enrolledPerson(host)
      const browser = new HttpClient()
      const verify = await showPassword(host, browser, 'mira')
      for (let nth = 0; nth < 5; nth += 1)
        await browser.submit(verify, { code: wrongCode(host, mira, nth) })
      for (let nth = 0; nth < 12; nth += 1)
        expect((await browser.submit(verify, { code: '000000' })).status).to.equal(429)
      await host.mfa.settled()
      const told = host.events.filter(({ type }) => type === 'refused-while-locked')
      expect(
        told.map(({ detail: { factor, reason, count } }) => [factor, reason, count]),
      ).to.deep.equal([...Array(10).fill(['totp', 'code', undefined]), ['totp', 'code', 2]])
    } finally {
      await host.close()
    }
  })

  it('R8 each use of a backup code, and how many are left', async () => {
    const host = await startHost()
    try {
      const mira = await enrolledPerson(host)
      for (const backupCode of mira.codes.slice(0, 2)) {
        const browser = new HttpClient()
        const verify = await showPassword(host, browser, 'mira')
        const ways = await browser.get(verify.link('[data-other-way]'))
        const form = await follow(
          host,
          browser,
          await browser.submit(ways, { factor: 'backup-codes' }),
        )
        await browser.submit(form, { backupCode })
      }
      await host.mfa.settled()
      const used = host.events.filter(({ type }) => type === 'backup-code-used')
      expect(used.map(({ detail }) => detail.remaining)).to.deep.equal([9, 8])
    } finally {
      await host.close()
    }
  })
})

describe('pages at a path of the application', () => {
  it('are found there, forms, styles and all', async () => {
    const host = await startHost({ mfa: { path: '/account/second-step' } })
    try {
      const browser = new HttpClient()
      const setUp = await showPassword(host, browser, 'mira')
      expect(setUp.url.pathname).to.match(/^\/account\/second-step\/[\w-]+\/enrol\/totp$/)
      const [sheet] = setUp.tags('link').filter(({ rel }) => rel === 'stylesheet')
      const style = await browser.get(new URL(sheet!.href!, host.issuer))
      expect([style.status, style.headers['content-type']]).to.deep.equal([
        200,
        'text/css; charset=utf-8',
      ])
      const mira = await enrolledPerson(host)
      expect(callbackOf(await signIn(host, new HttpClient(), mira)).get('code')).to.be.a('string')
      expect((await browser.get(new URL('/mfa/x', host.issuer))).status).to.equal(404)
    } finally {
      await host.close()
    }
  })
})
