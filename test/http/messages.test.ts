import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import {
  loadCatalogues,
  pickLocale,
  translator,
  wantedLocales,
  type Catalogue,
} from '../../src/http/messages.ts'

const english: Catalogue = {
  plain: 'Sign in',
  named: 'Use your **{issuer}** account.',
  counted: { '=0': 'none left', one: '{count} code left', other: '{count} codes left' },
  'duration.about': 'about {duration}',
}
const words = (locale: string, catalogue: Catalogue = {}) =>
  translator(
    new Map([
      ['en', english],
      [locale, { ...(locale === 'en' ? english : {}), ...catalogue }],
    ]),
    locale,
    'en',
  )

describe('a message', () => {
  it('is filled with its values', () => {
    expect(words('en').text('named', { issuer: 'Acme' })).to.equal('Use your **Acme** account.')
  })

  it('that is nowhere is an error, and so is a value that was not given', () => {
    expect(() => words('en').text('nowhere')).to.throw('nowhere')
    expect(() => words('en').text('named')).to.throw('{issuer}')
    expect(() => words('en').text('named', { issuer: undefined })).to.throw('{issuer}')
    expect(() => words('en').text('constructor')).to.throw('constructor')
  })

  it('is taken from the fallback where a translation lacks it', () => {
    expect(words('de', { plain: 'Anmelden' }).text('plain')).to.equal('Anmelden')
    expect(words('de').text('plain')).to.equal('Sign in')
  })

  it('has the form that the number asks for, by the rules of its own language', () => {
    const text = (count: number) => words('en').text('counted', { count })
    expect([0, 1, 2].map(text)).to.deep.equal(['none left', '1 code left', '2 codes left'])
    const polish = words('pl', {
      counted: { one: '{count} kod', few: '{count} kody', many: '{count} kodów', other: '-' },
    })
    expect([1, 3, 7].map((count) => polish.text('counted', { count }))) //
      .to.deep.equal(['1 kod', '3 kody', '7 kodów'])
    // An English sentence on a Polish page keeps the English plural forms.
    expect(words('pl').text('counted', { count: 3 })).to.equal('3 codes left')
  })

  it('with plural forms is an error without a number', () => {
    expect(() => words('en').text('counted', { count: 'x' })).to.throw('{count}')
  })

  it('as HTML lets a value neither mark up nor stand out nor be filled again', () => {
    const html = (issuer: string) => words('en').html('named', { issuer })
    expect(html('<img onerror="x">&\'')).to.equal(
      'Use your <b>&lt;img onerror=&quot;x&quot;&gt;&amp;&#39;</b> account.',
    )
    expect(html('** {issuer} **')).to.equal('Use your <b>** {issuer} **</b> account.')
  })
})

describe('a length of time', () => {
  const said = (locale: string, seconds: readonly number[], own = {}) =>
    seconds.map((one) => words(locale, own).duration(one))

  it('is exact where it is whole days, hours or minutes, and in seconds below two minutes', () => {
    const exact = [0, 1, 30, 60, 119, 120, 600, 3_600, 5_400, 7_200, 86_400, 90_000, 176_400]
    expect(said('en', exact)).to.deep.equal([
      '1 second',
      '1 second',
      '30 seconds',
      '60 seconds',
      '119 seconds',
      '2 minutes',
      '10 minutes',
      '1 hour',
      '90 minutes',
      '2 hours',
      '1 day',
      '25 hours',
      '49 hours',
    ])
    expect(said('en', [604_800, 2_592_000])).to.deep.equal(['7 days', '30 days'])
    expect(said('en', [6_000])).to.deep.equal(['100 minutes'])
  })

  it('is else said in the largest unit that misleads little, rounded up', () => {
    expect(said('en', [2_591_940, 360_000])).to.deep.equal(['about 30 days', 'about 5 days'])
    expect(said('en', [119.5, 121, 3_599, 7_201, 172_799, 172_801])).to.deep.equal([
      '2 minutes',
      'about 3 minutes',
      'about 60 minutes',
      'about 3 hours',
      'about 48 hours',
      'about 3 days',
    ])
  })

  it('is said in the language of the page', () => {
    const about = { 'duration.about': 'etwa {duration}' }
    expect(said('de', [200, 240, 3_600, 2_592_000], about)) //
      .to.deep.equal(['etwa 4 Minuten', '4 Minuten', '1 Stunde', '30 Tage'])
  })
})

describe('the language of a page', () => {
  const available = ['en', 'de', 'pt-BR']

  it('is the first wanted one that is there', () => {
    expect(pickLocale(['fr', 'de', 'en'], available)).to.equal('de')
  })

  it('is found by what a tag begins with, whatever its case', () => {
    expect(pickLocale(['DE-at-1996'], available)).to.equal('de')
    expect(pickLocale(['pt-br'], available)).to.equal('pt-BR')
  })

  it('is a variant of the wanted one rather than another language', () => {
    expect(pickLocale(['pt', 'en'], available)).to.equal('pt-BR')
  })

  it('is the default where nothing fits', () => {
    expect(pickLocale(['fr'], available)).to.equal('en')
    expect(pickLocale([], available, 'de')).to.equal('de')
  })

  it('is asked for by ui_locales first, then by the browser in its order', () => {
    expect(wantedLocales({ uiLocales: 'fr-CA fr', acceptLanguage: 'en;q=0.4, de-DE , *;q=0.1' })) //
      .to.deep.equal(['fr-CA', 'fr', 'de-DE', 'en'])
  })

  it('is the person’s choice before the languages of the browser, in either way of writing a tag', () => {
    const acceptLanguage = 'en'
    expect(wantedLocales({ uiLocales: 'fr', chosen: 'de_AT', acceptLanguage })) //
      .to.deep.equal(['fr', 'de-AT', 'en'])
    for (const chosen of ['', '../de', 'de fr', 'de,fr', '__proto__'])
      expect(wantedLocales({ chosen, acceptLanguage }), chosen).to.deep.equal(['en'])
  })

  it('R34 is read from what is a language tag and from nothing else', () => {
    expect(wantedLocales({ uiLocales: '../../etc <x>', acceptLanguage: 'de;q=0, __proto__, ,' })) //
      .to.deep.equal([])
    expect(wantedLocales({})).to.deep.equal([])
    expect(wantedLocales({ acceptLanguage: 'de,'.repeat(10_000) })).to.have.length(20)
  })
})

describe('message catalogues', () => {
  let own: string
  let ours: string
  beforeEach(() => {
    own = mkdtempSync(join(tmpdir(), 'own-'))
    ours = mkdtempSync(join(tmpdir(), 'ours-'))
    for (const folder of [own, ours]) mkdirSync(join(folder, 'messages'))
    write(ours, 'en', { a: 'ours', b: 'ours', c: 'ours' })
  })
  afterEach(() => [own, ours].forEach((folder) => rmSync(folder, { recursive: true })))
  const write = (folder: string, locale: string, content: unknown) =>
    writeFileSync(join(folder, 'messages', `${locale}.json`), JSON.stringify(content))

  it('take single messages from the first folder, and from what is given in code before that', () => {
    write(own, 'en', { b: 'own', c: 'own' })
    const catalogues = loadCatalogues([own, ours], { en: { c: 'code' } })
    expect(catalogues.get('en')).to.deep.equal({ a: 'ours', b: 'own', c: 'code' })
  })

  it('take a new language from a new file', () => {
    write(own, 'fr', { a: 'à nous' })
    expect([...loadCatalogues([own, ours]).keys()].sort()).to.deep.equal(['en', 'fr'])
  })

  it('do without a messages folder', () => {
    rmSync(join(own, 'messages'), { recursive: true })
    expect(loadCatalogues([own, ours]).get('en')?.a).to.equal('ours')
  })

  it('that are none are named', () => {
    for (const wrong of [[], { a: 1 }, { a: { one: 'no other form' } }, null]) {
      write(own, 'en', wrong)
      expect(() => loadCatalogues([own, ours])).to.throw(join(own, 'messages', 'en.json'))
    }
  })
})
