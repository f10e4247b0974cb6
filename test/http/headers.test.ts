import { expect } from 'chai'
import { pageHeaders, redirectSources } from '../../src/http/headers.ts'

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

  it('R30 let the redirect after a POST reach the relying party, and it redirect further', () => {
    const formAction = (returnsTo: string): string | undefined =>
      policyOf(pageHeaders({ issuer: HTTPS, returnsTo })).get('form-action')
    expect(formAction('https://app.example/cb')).to.equal("'self' https:")
    expect(formAction('http://localhost:3001/cb?x=1')).to.equal(
      "'self' http://localhost:3001 https:",
    )
    expect(formAction('com.example.app:/cb')).to.equal("'self' com.example.app: https:")
    expect(formAction('http://[::1]:49152/cb')).to.equal("'self' http: https:")
  })

  it('R30 cannot be given a directive by a redirect URI', () => {
    for (const uri of [
      "http://a.example;script-src 'unsafe-inline'/cb",
      'https://a.example/;script-src *',
      'x; script-src *:/cb',
      'http://a.example, default-src *',
      'no uri',
    ]) {
      expect(redirectSources(uri).join(' '), uri).not.to.match(/[;,*]|unsafe/)
      const policy = policyOf(pageHeaders({ issuer: HTTPS, returnsTo: uri }))
      expect(policy.get('script-src'), uri).to.equal("'self'")
      expect(policy.size, uri).to.equal(8)
    }
  })

  it('cut a page off from windows that opened it, except on the way back to an app in a pop-up', () => {
    expect(pageHeaders({ issuer: HTTPS })['Cross-Origin-Opener-Policy']).to.equal('same-origin')
    expect(
      pageHeaders({ issuer: HTTPS, returnsTo: 'https://app.example/cb' })[
        'Cross-Origin-Opener-Policy'
      ],
    ).to.equal('unsafe-none')
  })
})
