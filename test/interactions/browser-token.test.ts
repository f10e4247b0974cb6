import { expect } from 'chai'
import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  freshBrowserToken,
  hashBrowserToken,
  keepBrowserToken,
  readBrowserTokens,
} from '../../interactions/browser-token.ts'
import { secretBox } from '../../src/adapters/crypto/index.ts'

const ISSUER = 'http://op.example'
const box = secretBox({ keys: [Buffer.alloc(32, 7)] })
const token = (nth: number): string => String(nth).padStart(22, 'a')

const read = (cookie?: string, issuer = ISSUER): readonly string[] =>
  readBrowserTokens({ headers: { cookie } } as IncomingMessage, issuer)

/** The cookie that a browser has after a sign-in in which it showed `shown`. */
function cookieAfter(shown: readonly string[], fresh: string): string {
  const headers = new Map<string, string | string[]>()
  const response = {
    getHeader: (name: string) => headers.get(name.toLowerCase()),
    setHeader: (name: string, value: string | string[]) => headers.set(name.toLowerCase(), value),
    appendHeader: (name: string, value: string) => headers.set(name.toLowerCase(), value),
  } as unknown as ServerResponse
  keepBrowserToken(response, ISSUER, { shown, fresh })
  return [headers.get('set-cookie')].flat().join()
}

describe('R4 the token by which an account knows a browser', () => {
  it('is known to one account only', () => {
    expect(hashBrowserToken('mira', token(1))).to.equal(hashBrowserToken('mira', token(1)))
    expect(hashBrowserToken('mira', token(1))).not.to.equal(hashBrowserToken('noor', token(1)))
    expect(hashBrowserToken('mira', token(1))).not.to.equal(hashBrowserToken('mira', token(2)))
    // The two parts cannot be moved against each other.
    expect(hashBrowserToken('mi', 'ra')).not.to.equal(hashBrowserToken('mir', 'a'))
  })

  it('is at rest only as a hash of 256 bits', () => {
    const hash = hashBrowserToken('mira', token(1))
    expect(hash).to.match(/^[\w-]{43}$/)
    expect(hash).not.to.contain(token(1))
  })

  it('has at least 128 bits, and is the same for both requests of a double tap', () => {
    const fresh = freshBrowserToken(box, 'mira', 'one')
    expect(fresh).to.match(/^[\w-]{22}$/)
    expect(fresh).not.to.equal(box.mac('', JSON.stringify(['mira', 'one'])).slice(0, 22))
    expect(freshBrowserToken(box, 'mira', 'one')).to.equal(fresh)
    expect(freshBrowserToken(box, 'mira', 'two')).not.to.equal(fresh)
    expect(freshBrowserToken(box, 'noor', 'one')).not.to.equal(fresh)
    const other = secretBox({ keys: [Buffer.alloc(32, 8)] })
    expect(freshBrowserToken(other, 'mira', 'one')).not.to.equal(fresh)
  })

  it('is kept in a cookie for 400 days, before those of others who share the browser', () => {
    const cookie = cookieAfter([token(1), token(2)], token(3))
    expect(cookie).to.contain(`mfa_browser=${token(3)}.${token(1)}.${token(2)};`)
    expect(cookie.toLowerCase())
      .to.contain('; path=/;')
      .and.to.contain('httponly')
      .and.to.contain('max-age=34560000')
  })

  it('is read back, with at most four others', () => {
    expect(read()).to.deep.equal([])
    expect(read('mfa_browser=')).to.deep.equal([])
    expect(read(`other=${token(1)}`)).to.deep.equal([])
    expect(read(`mfa_browser=${token(1)}.${token(2)}`)).to.deep.equal([token(1), token(2)])
    const six = [1, 2, 3, 4, 5, 6].map(token)
    expect(read(`mfa_browser=${six.join('.')}`)).to.deep.equal(six.slice(0, 5))
    const kept = cookieAfter(six, token(7))
    expect(/=([^;]*)/.exec(kept)?.[1]?.split('.')).to.deep.equal([7, 1, 2, 3, 4].map(token))
    expect(read(/^[^;]*/.exec(kept)?.[0])).to.deep.equal([7, 1, 2, 3, 4].map(token))
  })

  it('R30 is read with TLS under the name alone that no sibling host can set', () => {
    const issuer = 'https://op.example'
    expect(read(`__Host-mfa_browser=${token(1)}`, issuer)).to.deep.equal([token(1)])
    for (const name of ['mfa_browser', '__Secure-mfa_browser'])
      expect(read(`${name}=${token(1)}`, issuer)).to.deep.equal([])
  })

  it('R34 is left out where it has another form', () => {
    const wrong = [`${token(1)}a`, token(1).slice(1), `${token(1).slice(1)}!`, '']
    expect(read(`mfa_browser=${[...wrong, token(2)].join('.')}`)).to.deep.equal([token(2)])
  })
})
