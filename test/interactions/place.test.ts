import { expect } from 'chai'
import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { freshBrowserToken, hashBrowserToken } from '../../interactions/browser-token.ts'
import type { Core } from '../../interactions/core.ts'
import { placeOf, recordedName } from '../../interactions/place.ts'
import { secretBox } from '../../src/adapters/crypto/index.ts'
import type { WantedLanguages } from '../../src/http/messages.ts'
import type { Interaction } from '../../src/host/interaction.ts'

const box = secretBox({ keys: [Buffer.alloc(32, 7)] })
/** The views of a service that knows German, and English for everybody else. */
const views = {
  localeFor: ({ uiLocales, chosen, acceptLanguage }: WantedLanguages) =>
    (uiLocales ?? chosen ?? acceptLanguage) === 'de' ? 'de' : 'en',
}
const core = {
  deps: { box },
  provider: { issuer: 'http://op.example' },
  views,
} as unknown as Core
const mira = { accountId: 'mira', amr: ['pwd'], ts: 1, epoch: 3 }
const SHOWN = 'a'.repeat(22)

const at = (headers: Record<string, string>, params: object, ip?: string, language?: string) =>
  placeOf(
    core,
    { headers } as unknown as IncomingMessage,
    { uid: 'the-interaction', params } as unknown as Interaction,
    mira,
    ip,
    language,
  )

describe('the place of an attempt', () => {
  it('R39 names the interaction by a hash of its id', () => {
    const hash = createHash('sha256').update('["interaction","the-interaction"]')
    expect(recordedName({ uid: 'the-interaction' })).to.equal(hash.digest('base64url'))
  })

  it('is of its account, interaction and epoch, and knows the browser by the hashes of this account', () => {
    const { place, tokens } = at({ cookie: `mfa_browser=${SHOWN}` }, {})
    const fresh = freshBrowserToken(box, 'mira', 'the-interaction')
    expect(tokens).to.deep.equal({ shown: [SHOWN], fresh })
    expect(place).to.deep.equal({
      accountId: 'mira',
      interaction: recordedName({ uid: 'the-interaction' }),
      epoch: 3,
      tokenHashes: [hashBrowserToken('mira', SHOWN)],
      newTokenHash: hashBrowserToken('mira', fresh),
      detail: { locale: 'en' },
    })
  })

  it('has the client, the address and the browser for the audit, as far as they are known', () => {
    const { place } = at({ 'user-agent': 'Test/1.0' }, { client_id: 'app' }, '192.0.2.1')
    expect(place.detail).to.deep.equal({
      clientId: 'app',
      ip: '192.0.2.1',
      userAgent: 'Test/1.0',
      locale: 'en',
    })
    expect(at({}, { client_id: ['app'] }).place.detail).to.deep.equal({ locale: 'en' })
  })

  it('has the language that the app asked for, else the person’s, else that of the browser', () => {
    const german = { 'accept-language': 'de' }
    const localeOf = (headers: Record<string, string>, params: object) =>
      at(headers, params).place.detail.locale
    expect(localeOf(german, {})).to.equal('de')
    expect(localeOf(german, { ui_locales: 'fr' })).to.equal('en')
    expect(localeOf({}, { ui_locales: 'de' })).to.equal('de')
    expect(localeOf(german, { ui_locales: ['fr'] })).to.equal('de')
    expect(at({}, {}, undefined, 'de').place.detail.locale).to.equal('de')
    expect(at(german, {}, undefined, 'fr').place.detail.locale).to.equal('en')
    expect(at({}, { ui_locales: 'fr' }, undefined, 'de').place.detail.locale).to.equal('en')
  })

  it('R34 keeps 256 characters of a browser’s name', () => {
    const { place } = at({ 'user-agent': 'x'.repeat(1000) }, {})
    expect(place.detail.userAgent).to.equal('x'.repeat(256))
  })
})
