import { expect } from 'chai'
import {
  forgetShownCodes,
  keepShownCodes,
  readShownCodes,
} from '../../interactions/mfa/shown-codes.ts'
import type { Visit } from '../../interactions/mfa/visit.ts'
import { secretBox } from '../../src/adapters/crypto/index.ts'

const box = secretBox({ keys: [Buffer.alloc(32, 7)] })
const CODES = ['aaaa-bbbb', 'cccc-dddd']

/** A visit of `accountId` in the interaction `uid`, with a cookie header; `cookies` are those that it sets. */
function visitOf(
  cookie?: string,
  { accountId = 'mira', uid = 'one', issuer = 'http://op.example' } = {},
) {
  const cookies: string[] = []
  const visit = {
    core: { path: '/mfa', provider: { issuer }, deps: { box } },
    interaction: { uid },
    subject: { accountId },
    ctx: {
      req: { headers: { cookie } },
      res: { appendHeader: (_name: string, value: string) => void cookies.push(value) },
    },
  } as unknown as Visit
  return { visit, cookies }
}

/** The cookie that keeps the codes, as the browser sends it back. */
function kept(issuer?: string): { sent: string; set: string } {
  const { visit, cookies } = visitOf(undefined, { ...(issuer === undefined ? {} : { issuer }) })
  keepShownCodes(visit, CODES)
  const [set = ''] = cookies
  return { set, sent: set.split(';')[0] ?? '' }
}

describe('R8 fresh codes on their way to the page that shows them', () => {
  it('are read back in their own interaction, for an hour', () => {
    const { set, sent } = kept()
    expect(set)
      .to.match(/^mfa_codes=/)
      .and.to.contain('; Path=/mfa/one; Max-Age=3600; HttpOnly')
    expect(set).not.to.contain(CODES[0])
    expect(readShownCodes(visitOf(sent).visit)).to.deep.equal(CODES)
    const tls = kept('https://op.example')
    expect(tls.set)
      .to.match(/^__Secure-mfa_codes=/)
      .and.to.contain('Secure')
  })

  it('are read by no other account and in no other interaction', () => {
    const { sent } = kept()
    for (const other of [{ accountId: 'eve' }, { uid: 'two' }])
      expect(readShownCodes(visitOf(sent, other).visit)).to.equal(undefined)
  })

  it('R35 are not read from a value that was sealed for another purpose, or made up', () => {
    const sealed = (purpose: unknown) =>
      box.seal(JSON.stringify(CODES), { accountId: 'mira', purpose: JSON.stringify(purpose) })
    const cookie = (value: string) => `mfa_codes=${encodeURIComponent(value)}`
    expect(readShownCodes(visitOf(cookie(sealed(['shown-codes', 'one']))).visit)).to.deep.equal(
      CODES,
    )
    for (const purpose of [['', 'one'], ['other', 'one'], ['shown-codes', 'two'], []])
      expect(readShownCodes(visitOf(cookie(sealed(purpose))).visit)).to.equal(undefined)
    for (const value of [undefined, 'mfa_codes=', 'mfa_codes=x', 'other=1'])
      expect(readShownCodes(visitOf(value).visit)).to.equal(undefined)
  })

  it('are forgotten when the person has saved them', () => {
    const { visit, cookies } = visitOf()
    forgetShownCodes(visit)
    expect(cookies[0]).to.contain('mfa_codes=;').and.to.contain('Path=/mfa/one; Max-Age=0')
  })
})
