import { expect } from 'chai'
import { createHmac, timingSafeEqual } from 'node:crypto'
import { checkCsrf, csrfToken, type Macs } from '../../src/http/csrf.ts'

function macs(key: string, older?: string): Macs {
  const mac = (with_: string, purpose: string, message: string): string =>
    createHmac('sha256', `${with_}/${purpose}`).update(message).digest('base64url')
  return {
    mac: (purpose, message) => mac(key, purpose, message),
    verifyMac: (purpose, message, given) =>
      [key, ...(older === undefined ? [] : [older])].some((each) => {
        const expected = Buffer.from(mac(each, purpose, message))
        const actual = Buffer.from(given)
        return expected.length === actual.length && timingSafeEqual(expected, actual)
      }),
  }
}

describe("a form's token", () => {
  const box = macs('k')
  const binding = { boundTo: 'uid-1', purpose: 'totp-verify' }

  it('fits the interaction and the form it was made for, on any node with the key', () => {
    expect(() => checkCsrf(macs('k'), binding, csrfToken(box, binding))).not.to.throw()
  })

  it('keeps fitting while keys are rotated', () => {
    expect(() => checkCsrf(macs('new', 'k'), binding, csrfToken(box, binding))).not.to.throw()
  })

  it('R30 fits no other interaction, no other form and no other key', () => {
    const token = csrfToken(box, binding)
    const refused = [
      () => checkCsrf(box, { ...binding, boundTo: 'uid-2' }, token),
      () => checkCsrf(box, { ...binding, purpose: 'cancel' }, token),
      () => checkCsrf(macs('other'), binding, token),
    ]
    for (const check of refused)
      expect(check).to.throw().that.includes({ code: 'form-forged', status: 403 })
  })

  it('R30 is refused when missing, empty or changed', () => {
    const token = csrfToken(box, binding)
    for (const given of [undefined, '', `${token}x`, token.slice(1), token.toUpperCase()])
      expect(() => checkCsrf(box, binding, given), String(given))
        .to.throw()
        .that.includes({ code: 'form-forged', status: 403 })
  })

  it('R30 cannot be moved by shifting text between the two parts of its binding', () => {
    expect(csrfToken(box, { boundTo: 'a', purpose: 'b:c' })).not.to.equal(
      csrfToken(box, { boundTo: 'a:b', purpose: 'c' }),
    )
    expect(csrfToken(box, { boundTo: 'a","b', purpose: 'c' })).not.to.equal(
      csrfToken(box, { boundTo: 'a', purpose: 'b","c' }),
    )
  })
})
