import { expect } from 'chai'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { clearCookie, cookieName, readCookie, setCookie } from '../../src/http/cookies.ts'

const HTTPS = { issuer: 'https://id.example.com', path: '/' }
const HTTP = { issuer: 'http://localhost:3000', path: '/' }

function response(): ServerResponse {
  return new ServerResponse(new IncomingMessage(new Socket()))
}

describe('cookies', () => {
  it('R30 carry the prefix that keeps sibling subdomains and plain http from planting them', () => {
    expect(cookieName('mfa.known', HTTPS)).to.equal('__Host-mfa.known')
    expect(cookieName('mfa.known', { ...HTTPS, path: '/mfa' })).to.equal('__Secure-mfa.known')
    expect(cookieName('mfa.known', HTTP)).to.equal('mfa.known')
  })

  it('R30 are HttpOnly and SameSite=Lax, and Secure with https', () => {
    const res = response()
    setCookie(res, 'a', 'v', HTTPS, { maxAgeSeconds: 60 })
    setCookie(res, 'b', 'v', HTTP)
    expect(res.getHeader('Set-Cookie')).to.deep.equal([
      '__Host-a=v; Path=/; Max-Age=60; HttpOnly; SameSite=Lax; Secure',
      'b=v; Path=/; HttpOnly; SameSite=Lax',
    ])
  })

  it('keep the cookies that others have set on the same response', () => {
    const res = response()
    res.setHeader('Set-Cookie', 'host=1')
    setCookie(res, 'a', 'v', HTTP)
    expect(res.getHeader('Set-Cookie')).to.deep.equal([
      'host=1',
      'a=v; Path=/; HttpOnly; SameSite=Lax',
    ])
  })

  it('are cleared under the same name, path and flags', () => {
    const res = response()
    clearCookie(res, 'a', HTTPS)
    expect(res.getHeader('Set-Cookie')).to.equal(
      '__Host-a=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure',
    )
  })

  it('cannot be given attributes or other cookies by their value, and read back as written', () => {
    const value = 'x; Domain=evil.example\r\nSet-Cookie: y=1, "é"'
    const res = response()
    setCookie(res, 'a', value, HTTP)
    const header = String(res.getHeader('Set-Cookie'))
    expect(header).not.to.match(/[\r\n]|Domain=/)
    expect(readCookie(header.split(';')[0], 'a', HTTP)).to.equal(value)
  })

  it('are read by their full name only', () => {
    expect(readCookie('x=1; __Host-a=2; a=3', 'a', HTTPS)).to.equal('2')
    expect(readCookie('xa=1; a=3', 'a', HTTP)).to.equal('3')
    expect(readCookie('a=3', 'a', HTTPS)).to.equal(undefined)
  })

  it('R30 count as absent when there are two of one name, or none, or one that is unreadable', () => {
    for (const header of [undefined, '', 'a=', 'a=%zz', 'a=1; a=2', 'b=1'])
      expect(readCookie(header, 'a', HTTP), String(header)).to.equal(undefined)
  })
})
