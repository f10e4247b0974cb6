import { expect } from 'chai'
import { MfaError } from '../../../src/domain/errors.ts'
import { faultOfMail } from '../../../src/server/notices/mail-fault.ts'

const failed = (cause?: unknown): MfaError =>
  new MfaError('mail-failed', 'The mail server mail.example did not take a mail.', {
    status: 503,
    cause,
  })

describe('the fault of a mail, for an operator', () => {
  it('is the answer of the mail server', () => {
    const response = '451 4.7.1 Greylisted for 300 seconds'
    expect(faultOfMail(failed(Object.assign(new Error(), { response })))).to.equal(response)
  })

  it('R31 has no address, no code and no link of the mail that the answer quotes', () => {
    const response =
      '554 <mira@example.com>: "12345678 https://id.example.com/set-up/ksa9maC3mw7rfNXVFpW1DgtCqijpf"'
    const fault = faultOfMail(failed(Object.assign(new Error(), { response })))
    expect(fault).to.match(/^554 <…>/)
    expect(fault).not.to.match(/mira|12345678|ksa9maC3/)
  })

  it('is the code of the connection, of the mailer, or of a letter that does not open', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED ::1:25'), { code: 'ESOCKET' })
    expect(faultOfMail(failed(refused))).to.equal('ECONNREFUSED')
    expect(faultOfMail(failed(Object.assign(new Error('x'), { code: 'EAUTH' })))).to.equal('EAUTH')
    expect(faultOfMail(failed(new DOMException('late', 'TimeoutError')))).to.equal('TimeoutError')
    expect(faultOfMail(failed())).to.equal('mail-failed')
    expect(faultOfMail(new MfaError('key-missing', 'no key', { status: 500 }))).to.equal(
      'key-missing',
    )
    expect(faultOfMail(undefined)).to.equal('unknown')
  })
})
