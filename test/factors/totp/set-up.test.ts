import { expect } from 'chai'
import fc from 'fast-check'
import { create } from 'qrcode'
import { describeSetUp } from '../../../src/factors/totp/set-up.ts'
import type { TotpParameters } from '../../../src/factors/totp/index.ts'
import { parse } from '../../support/html.ts'

const parameters: TotpParameters = {
  secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP',
  algorithm: 'SHA1',
  digits: 6,
  periodSeconds: 30,
}

function uriOf(issuerName: string, label: string, other: Partial<TotpParameters> = {}): string {
  return describeSetUp({ ...parameters, ...other }, { issuerName, label }).uri
}

/** Which modules the path of the picture makes dark. */
function darkModules(svg: string): Set<string> {
  const dark = parse(svg).querySelector('path[fill="#000"]')?.getAttribute('d') ?? ''
  const modules = new Set<string>()
  for (const [, x, y, width] of dark.matchAll(/M(\d+) (\d+)h(\d+)v1h-\3z/g))
    for (let at = 0; at < Number(width); at += 1) modules.add(`${Number(x) + at} ${y}`)
  return modules
}

describe('the set-up of an authenticator app', () => {
  it('names issuer and account, and leaves out settings that every app assumes', () => {
    expect(uriOf('Acme', 'mira@example.com')).to.equal(
      'otpauth://totp/Acme:mira%40example.com?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Acme',
    )
  })

  it('states the settings that are not the defaults', () => {
    const uri = new URL(uriOf('Acme', 'm', { digits: 8, algorithm: 'SHA256', periodSeconds: 60 }))
    expect(Object.fromEntries(uri.searchParams)).to.deep.equal({
      secret: parameters.secret,
      issuer: 'Acme',
      algorithm: 'SHA256',
      digits: '8',
      period: '60',
    })
  })

  it('encodes spaces as %20 and every letter, and lets a colon separate issuer and account only', () => {
    expect(uriOf('Acme: St\u00e4ff & co', 'corp:mira k?&secret=x#')).to.equal(
      'otpauth://totp/Acme%20St%C3%A4ff%20%26%20co:corp%20mira%20k%3F%26secret%3Dx%23' +
        '?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Acme%20St%C3%A4ff%20%26%20co',
    )
  })

  it('makes a URI of one label, one secret and one issuer that fits a symbol, whatever the names are', () => {
    const name = fc.string({ unit: 'binary', maxLength: 400 })
    fc.assert(
      fc.property(name, name, (issuerName, label) => {
        const { uri, qrSvg } = describeSetUp(parameters, { issuerName, label })
        expect(uri).to.match(
          /^otpauth:\/\/totp\/[^:/?#]+:[^:/?#]+\?secret=[A-Z2-7]{32}&issuer=[^&#]+$/,
        )
        expect(qrSvg).to.match(
          /^<svg viewBox="0 0 \d+ \d+" [^<>]*><path [^<>]*\/><path [^<>]*\/><\/svg>$/,
        )
      }),
      {
        numRuns: 30,
        examples: [
          ['\u{1f511}'.repeat(400), '\u{1f511}'.repeat(400)],
          ['', ':'],
          ['\ud800', '\udfff'],
        ],
      },
    )
  })

  it('draws the URI as a QR code with four modules of white around it, without inline style', () => {
    const { uri, qrSvg } = describeSetUp(parameters, { issuerName: 'Acme', label: 'm' })
    const { modules } = create(uri, { errorCorrectionLevel: 'M' })
    const side = modules.size + 8
    expect(qrSvg).to.include(`viewBox="0 0 ${side} ${side}"`)
    expect(qrSvg).to.include(`<path fill="#fff" d="M0 0h${side}v${side}H0z"/>`)
    expect(qrSvg).not.to.include('style')
    const expected = new Set<string>()
    for (let row = 0; row < modules.size; row += 1)
      for (let column = 0; column < modules.size; column += 1)
        if (modules.get(row, column) === 1) expected.add(`${column + 4} ${row + 4}`)
    expect(darkModules(qrSvg)).to.deep.equal(expected)
  })

  it('gives the page the key and its settings', () => {
    expect(describeSetUp(parameters, { issuerName: 'Acme', label: 'm' })).to.include(parameters)
  })
})
