import { expect } from 'chai'
import type { IncomingHttpHeaders } from 'node:http'
import { checkOrigin, isSameOrigin } from '../../src/http/origin.ts'

const ISSUER = 'https://id.example.com/tenant'

describe('where a form was posted from', () => {
  const allowed: [string, IncomingHttpHeaders][] = [
    ['our own page', { origin: 'https://id.example.com', 'sec-fetch-site': 'same-origin' }],
    ['our own page, a browser without Sec-Fetch-Site', { origin: 'https://id.example.com' }],
    ['our own page, a browser without Origin', { 'sec-fetch-site': 'same-origin' }],
    [
      'our own page behind a proxy that adds Referrer-Policy: no-referrer',
      { origin: 'null', 'sec-fetch-site': 'same-origin' },
    ],
    ['a restored tab', { origin: 'https://id.example.com', 'sec-fetch-site': 'none' }],
    ['an old browser with neither', {}],
  ]
  for (const [what, headers] of allowed)
    it(`allows ${what}`, () => {
      expect(isSameOrigin(headers, ISSUER)).to.equal(true)
      expect(() => checkOrigin(headers, ISSUER)).not.to.throw()
    })

  const refused: [string, IncomingHttpHeaders][] = [
    ['another site', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
    ['another site without Sec-Fetch-Site', { origin: 'https://evil.example' }],
    ['another site that hides its origin', { 'sec-fetch-site': 'cross-site' }],
    ['a sibling subdomain', { 'sec-fetch-site': 'same-site' }],
    [
      'a sibling that claims our origin',
      { origin: 'https://id.example.com', 'sec-fetch-site': 'same-site' },
    ],
    ['a sandboxed frame', { origin: 'null' }],
    [
      'a sandboxed frame, as a browser sends it',
      { origin: 'null', 'sec-fetch-site': 'cross-site' },
    ],
    ['a sandboxed frame of a sibling', { origin: 'null', 'sec-fetch-site': 'same-site' }],
    ['a restored frame without an origin', { origin: 'null', 'sec-fetch-site': 'none' }],
    ['the same host over http', { origin: 'http://id.example.com' }],
    ['another port', { origin: 'https://id.example.com:8443' }],
    ['a longer host', { origin: 'https://id.example.com.evil.example' }],
    ['two origins', { origin: 'https://id.example.com, https://evil.example' }],
    ['an empty origin', { origin: '' }],
  ]
  for (const [what, headers] of refused)
    it(`R30 refuses ${what}`, () => {
      expect(() => checkOrigin(headers, ISSUER))
        .to.throw()
        .that.includes({ code: 'form-forged', status: 403 })
    })

  it('R30 does not look at Host, which the sender chooses', () => {
    const headers = { host: 'evil.example', origin: 'https://evil.example' }
    expect(isSameOrigin(headers, ISSUER)).to.equal(false)
  })
})
