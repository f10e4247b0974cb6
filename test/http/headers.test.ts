import { expect } from 'chai'
import { pageHeaders, withoutFormAction } from '../../src/http/headers.ts'

const HTTPS = 'https://id.example.com'
const policyOf = (headers: Readonly<Record<string, string>>): Map<string, string> =>
  new Map(
    (headers['Content-Security-Policy'] ?? '').split('; ').map((directive) => {
      const at = directive.indexOf(' ')
      return [directive.slice(0, at), directive.slice(at + 1)]
    }),
  )

describe("a page's headers", () => {
  it('R30 allow our own style and script, images, and nothing else', () => {
    expect([...policyOf(pageHeaders({ issuer: HTTPS }))]).to.deep.equal([
      ['default-src', "'none'"],
      ['style-src', "'self'"],
      ['script-src', "'self'"],
      ['img-src', "'self' data: https:"],
      ['font-src', "'self'"],
      ['base-uri', "'none'"],
      ['frame-ancestors', "'none'"],
      ['form-action', "'self'"],
    ])
  })

  it('R23 forbid framing in the old way and the new', () => {
    const headers = pageHeaders({ issuer: HTTPS })
    expect(headers['X-Frame-Options']).to.equal('DENY')
    expect(policyOf(headers).get('frame-ancestors')).to.equal("'none'")
  })

  it('R30 forbid caches, sniffing, foreign referrers and device access', () => {
    const headers = pageHeaders({ issuer: HTTPS })
    expect(headers['Cache-Control']).to.equal('no-store')
    expect(headers['X-Content-Type-Options']).to.equal('nosniff')
    expect(headers['Referrer-Policy']).to.equal('same-origin')
    expect(headers['Cross-Origin-Resource-Policy']).to.equal('same-origin')
    expect(headers['Permissions-Policy']).to.contain('camera=()')
    expect(headers['Permissions-Policy']).to.contain('publickey-credentials-get=(self)')
  })

  it('R30 ask for https in future only where the issuer has it', () => {
    const maxAge = /^max-age=(\d+)$/.exec(
      pageHeaders({ issuer: HTTPS })['Strict-Transport-Security'] ?? '',
    )?.[1]
    expect(Number(maxAge)).to.be.at.least(31_536_000)
    expect(pageHeaders({ issuer: 'http://localhost:3000' })).not.to.have.property(
      'Strict-Transport-Security',
    )
  })

  it('R30 have no form-action where a form can end at an app, and everything else as on any page', () => {
    const policy = policyOf(pageHeaders({ issuer: HTTPS, leadsToApp: true }))
    const plain = policyOf(pageHeaders({ issuer: HTTPS }))
    plain.delete('form-action')
    expect([...policy]).to.deep.equal([...plain])
  })

  it('R30 take the form-action, and nothing else, out of the policy of a page that posts itself', () => {
    const { 'Content-Security-Policy': policy = '' } = pageHeaders({ issuer: HTTPS })
    const rest = policy.replace("; form-action 'self'", '')
    // When the host adds the hash of its script, it writes the policy again without spaces between directives.
    for (const between of ['; ', ';'])
      expect(withoutFormAction(policy.replaceAll('; ', between))).to.equal(rest)
  })

  it('cut a page off from windows that opened it, except on the way back to an app in a pop-up', () => {
    expect(pageHeaders({ issuer: HTTPS })['Cross-Origin-Opener-Policy']).to.equal('same-origin')
    expect(pageHeaders({ issuer: HTTPS, leadsToApp: true })['Cross-Origin-Opener-Policy']).to.equal(
      'unsafe-none',
    )
  })
})
