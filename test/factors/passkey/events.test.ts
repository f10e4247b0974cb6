import { expect } from 'chai'
import { PASSKEY_EVENTS, passkeys } from '../../../src/factors/passkey/index.ts'
import { createViews } from '../../../src/http/views.ts'

const views = createViews({ factors: [passkeys()] })
const CLONED = {
  en: {
    activity: 'A passkey was refused: a copy of it may exist',
    subject: 'Somebody may have a copy of a passkey of your Acme account',
    text: 'this count did not go up',
  },
  de: {
    activity: 'Ein Passkey wurde abgelehnt: Vielleicht gibt es eine Kopie',
    subject: 'Vielleicht hat jemand eine Kopie eines Passkeys Ihres Kontos bei Acme',
    text: 'diese Zahl ist nicht gestiegen',
  },
}

describe('the events of passkeys', () => {
  for (const [locale, words] of Object.entries(CLONED)) {
    it(`R29 have a sentence on the activity page in "${locale}"`, async () => {
      const model = {
        csrf: 'c',
        action: '/a',
        days: 90,
        lockHref: '/lock',
        overviewHref: '/account',
        events: PASSKEY_EVENTS.map((type) => ({
          type,
          at: 1_795_000_000,
          factor: 'passkey',
          name: 'My phone',
        })),
      }
      const html = await views.render('account-activity', model, { issuerName: 'Acme', locale })
      expect(html).to.include(`<h2>${words.activity}</h2>`).and.include('My phone')
    })

    it(`R29 R44 have a mail in "${locale}" that names the passkey and leads to the account`, () => {
      const values = {
        issuer: 'Acme',
        account: 'mira',
        at: '1795000000',
        factor: 'passkey',
        name: 'My phone',
        place: '203.0.113.0/24',
        manageUrl: 'https://id.example.com/account',
        notMeUrl: 'https://id.example.com/not-me',
      }
      const { subject, text, html } = views.renderMail('passkey-cloned', values, locale)
      expect(subject).to.equal(words.subject)
      for (const part of [text, html])
        expect(part.replaceAll(/\s+/g, ' '))
          .to.include(words.text)
          .and.include('My phone')
          .and.include('https://id.example.com/account')
          .and.include('https://id.example.com/not-me')
    })
  }
})
