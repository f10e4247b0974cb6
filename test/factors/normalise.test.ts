import { expect } from 'chai'
import fc from 'fast-check'
import { normaliseTyped } from '../../src/factors/normalise.ts'

/** The ten digits of each script, from the locale data: another source than the code's. */
const SCRIPTS = Intl.supportedValuesOf('numberingSystem')
  .map((numberingSystem) => {
    const format = new Intl.NumberFormat('en', { numberingSystem, useGrouping: false })
    return Array.from({ length: 10 }, (_, digit) => format.format(digit))
  })
  .filter((digits) => digits.every((digit) => /^\p{Nd}$/u.test(digit)))

const SEPARATORS = [' ', '-', '\t', '\u00a0', '\u2009', '\u3000', '\u2010', '\u2013', '\u2014']
const INVISIBLE = ['\u00ad', '\u200b', '\u200d', '\u200e', '\u2066', '\u2069', '\ufeff', '\u2212']

const code = fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: 6, maxLength: 8 })

describe('a typed code', () => {
  it('R34 has one normal form, whatever the script of its digits and the separators among them', () => {
    const separators = fc.array(fc.constantFrom(...SEPARATORS, ...INVISIBLE), { maxLength: 3 })
    fc.assert(
      fc.property(
        code,
        fc.constantFrom(...SCRIPTS),
        fc.array(separators, { minLength: 9, maxLength: 9 }),
        (digits, script, between) => {
          const typed = Array.from(digits, (digit) => script[Number(digit)])
          const spread = typed.map((digit, at) => (between[at] ?? []).join('') + digit).join('')
          expect(normaliseTyped(spread + (between[8] ?? []).join(''))).to.equal(digits)
        },
      ),
    )
  })

  it('R34 reads each digit of each script', () => {
    expect(SCRIPTS.length).to.be.greaterThan(50)
    for (const script of SCRIPTS) expect(normaliseTyped(script.join(''))).to.equal('0123456789')
  })

  it('R34 normalises once: the normal form is its own', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (typed) => {
        const normal = normaliseTyped(typed)
        expect(normaliseTyped(normal)).to.equal(normal)
      }),
    )
  })

  it('keeps leading zeros', () => {
    expect(normaliseTyped('000 042')).to.equal('000042')
  })

  it('keeps letters and numbers that are no decimal digits, so that they are refused', () => {
    expect(normaliseTyped('12a\u00bd\u2460')).to.equal('12a\u00bd\u2460')
  })

  it('R34 refuses an oversized text and a missing one', () => {
    expect(normaliseTyped('1'.repeat(128))).to.have.length(128)
    expect(normaliseTyped('1'.repeat(129))).to.equal(undefined)
    expect(normaliseTyped(undefined)).to.equal(undefined)
  })
})
