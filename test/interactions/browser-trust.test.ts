import { expect } from 'chai'
import type { ServerResponse } from 'node:http'
import {
  clearTrustTokens,
  freshTrustToken,
  keepTrustToken,
  readTrustTokens,
} from '../../interactions/browser-trust.ts'
import { world } from '../application/world.ts'

const ISSUER = 'https://op.example'
const macs = world().deps.box

const token = (name: string): string => `${name.padEnd(22, 'x')}.${'s'.repeat(43)}`
const ofMira = (interaction: string): string => freshTrustToken(macs, 'mira', interaction)
const idOf = (one: string): string => one.slice(0, 22)

/** A request with the cookies of tokens, the oldest first, and the cookies that its response sets. */
function exchange(shown: readonly string[]) {
  const cookie = shown
    .map((one) => `__Host-mfa_trust_${one.replace('.', '=')}`)
    .concat('other=1')
    .join('; ')
  const cookies: string[] = []
  const response = { appendHeader: (_: string, value: string) => void cookies.push(value) }
  const request = { headers: { cookie } } as never
  return { request, response: response as unknown as ServerResponse, cookies }
}

/** The cookies that a response sets after a trust was given in a browser that showed others. */
function cookiesAfter(fresh: string, shown: readonly string[]): readonly string[] {
  const at = exchange(shown)
  keepTrustToken(at, ISSUER, fresh)
  return at.cookies
}

/** The ids of the cookies that a browser is told to forget. */
const clearedIn = (cookies: readonly string[]): readonly string[] =>
  cookies.flatMap((one) => /^__Host-mfa_trust_(.{22})=; .*Max-Age=0;/.exec(one)?.[1] ?? [])

/** The ids of those that a sign-in of mira clears, some of whose trusts count. */
function clearedFor(shown: readonly string[], trusted: readonly string[]): readonly string[] {
  const at = exchange(shown)
  clearTrustTokens(macs, 'mira', at, { issuer: ISSUER, standing: trusted.map(idOf) })
  return clearedIn(at.cookies)
}

describe('R14 the cookie of a trusted browser', () => {
  it('lasts for 30 days, out of reach of scripts and of other sites', () => {
    const [cookie = '', ...others] = cookiesAfter(token('a'), [token('a')])
    expect(others).to.deep.equal([])
    expect(cookie).to.match(/^__Host-mfa_trust\S*; Path=\/; Max-Age=2592000; HttpOnly; /)
    expect(cookie).to.match(/; SameSite=Lax; Secure$/)
  })

  it('takes the place of the oldest ones, where the browser has too many', () => {
    const many = Array.from({ length: 30 }, (_, nth) => token(`t${nth}`))
    const oldest = many.slice(0, 26).map(idOf)
    expect(clearedIn(cookiesAfter(token('a'), many))).to.deep.equal(oldest)
    expect(clearedIn(cookiesAfter(token('t29'), many))).to.deep.equal(oldest.slice(0, 25))
    expect(clearedIn(cookiesAfter(token('a'), many.slice(0, 4)))).to.deep.equal([])
  })

  it('is read only if it is one of the last five, and forgotten otherwise', () => {
    const many = Array.from({ length: 30 }, (_, nth) => token(`t${nth}`))
    expect(readTrustTokens(exchange(many).request, ISSUER)).to.deep.equal(many.slice(-5))
    expect(clearedFor(many, [])).to.deep.equal(many.slice(0, 25).map(idOf))
    expect(clearedFor(many.slice(-5), [])).to.deep.equal([])
  })

  it('is forgotten in a response for at most fifty, where many were planted', () => {
    const planted = Array.from({ length: 1_000 }, (_, nth) => token(`t${nth}`))
    expect(clearedFor(planted, [])).to.have.length(50)
    expect(clearedIn(cookiesAfter(token('a'), planted))).to.have.length(50)
  })

  it('is forgotten once the trust has ended, unless it may be another account’s', () => {
    const [ended, standing] = [ofMira('first'), ofMira('second')]
    const noahs = freshTrustToken(macs, 'noah', 'first')
    const shown = [ended, noahs, standing, token('forged')]
    expect(clearedFor(shown, [standing])).to.deep.equal([idOf(ended)])
    expect(clearedFor(shown, [ended, standing])).to.deep.equal([])
  })

  it('keeps its id when its token is replaced', () => {
    const next = freshTrustToken(macs, 'mira', 'later', idOf(ofMira('first')))
    expect(idOf(next)).to.equal(idOf(ofMira('first')))
    expect(next).not.to.equal(ofMira('first'))
    expect(clearedFor([next], [])).to.deep.equal([idOf(next)])
  })
})
