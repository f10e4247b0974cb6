import { expect } from 'chai'
import type { ServerResponse } from 'node:http'
import { keepTrustToken } from '../../interactions/browser-trust.ts'

const token = (name: string): string => `${name.padEnd(22, 'x')}.${'s'.repeat(43)}`

/** The cookies that a response sets after a trust was given in a browser that showed others. */
function cookiesAfter(fresh: string, shown: readonly string[]): readonly string[] {
  const cookies: string[] = []
  const response = { appendHeader: (_: string, value: string) => void cookies.push(value) }
  keepTrustToken(response as unknown as ServerResponse, 'https://op.example', fresh, shown)
  return cookies
}

describe('R14 the cookie of a trusted browser', () => {
  it('lasts for 30 days, out of reach of scripts and of other sites', () => {
    const [cookie = '', ...others] = cookiesAfter(token('a'), [token('a')])
    expect(others).to.deep.equal([])
    expect(cookie).to.match(/^__Host-mfa_trust\S*; Path=\/; Max-Age=2592000; HttpOnly; /)
    expect(cookie).to.match(/; SameSite=Lax; Secure$/)
  })

  it('takes the place of the oldest one, where the browser has too many', () => {
    const many = Array.from({ length: 30 }, (_, nth) => token(`t${nth}`))
    const cleared = cookiesAfter(token('a'), many).filter((one) => one.includes('Max-Age=0'))
    expect(cleared[0]).to.contain('t0x')
    expect(cleared.join()).not.to.contain('t29x')
  })
})
