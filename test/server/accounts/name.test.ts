import { expect } from 'chai'
import fc from 'fast-check'
import { isAddress, LONGEST_NAME, normaliseName } from '../../../src/server/accounts/name.ts'

describe('the normal form of a name', () => {
  for (const [typed, normal] of [
    ['Alice', 'alice'],
    ['  alice\t', 'alice'],
    ['Ａｌｉｃｅ', 'alice'],
    ['STRASSE', 'strasse'],
    ['Straße', 'strasse'],
    ['ΟΔΥΣΣΕΥΣ', 'οδυσσευσ'],
    ['οδυσσευς', 'οδυσσευσ'],
    ['e\u0301milie', 'émilie'],
    ['al\u200bi\u00adce', 'alice'],
    ['\u212aelvin', 'kelvin'],
    ['Alice@Example.COM', 'alice@example.com'],
  ])
    it(`of ${JSON.stringify(typed)} is ${String(normal)}`, () => {
      expect(normaliseName(String(typed))).to.equal(normal)
    })

  for (const typed of [
    '',
    '   ',
    '\u200b',
    'a\0b',
    'a\nb',
    '\ud800',
    '\ue000',
    'x'.repeat(321),
    'x'.repeat(1e6),
  ])
    it(`does not exist for ${JSON.stringify(typed.slice(0, 10))} of ${typed.length} characters`, () => {
      expect(normaliseName(typed)).to.equal(undefined)
    })

  it('is its own normal form, and bounded, for whatever is typed', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (typed) => {
        const normal = normaliseName(typed)
        if (normal === undefined) return
        expect(normaliseName(normal)).to.equal(normal)
        expect(normal.length).to.be.at.most(LONGEST_NAME)
      }),
    )
  })

  it('is shared by all the ways of writing a name in capitals', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 20 }), (typed) => {
        expect(normaliseName(typed.toUpperCase())).to.equal(normaliseName(typed))
        expect(normaliseName(typed.normalize('NFD'))).to.equal(
          normaliseName(typed.normalize('NFC')),
        )
      }),
    )
  })
})

describe('an address', () => {
  it('has a local part and a domain and nothing that a mail header could mistake', () => {
    for (const good of [
      'a@b',
      'alice@example.com',
      "o'neil+tag@example.co.uk",
      'jörg@müller.example',
    ])
      expect(isAddress(good), good).to.equal(true)
    for (const bad of [
      'a',
      '@b',
      'a@',
      'a b@c',
      'a@b@c',
      'a@b\r\nBcc: x',
      '<a@b>',
      `${'x'.repeat(65)}@b`,
      `a@${'b'.repeat(254)}`,
    ])
      expect(isAddress(bad), bad).to.equal(false)
  })
})
