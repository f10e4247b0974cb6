import { expect } from 'chai'
import { MfaError } from '../../../src/domain/errors.ts'
import { describeError } from '../../../src/server/observe/describe-error.ts'

const causeOf = (cause: unknown): unknown =>
  (
    describeError(new MfaError('storage-unavailable', 'The storage is away.', { cause })) as {
      cause: unknown
    }
  ).cause

const fault = (message: string, members: object): Error =>
  Object.assign(new Error(message), members)

describe('an error in the log', () => {
  it('names a full disk, a read-only disk and a missing right with the path', () => {
    for (const code of ['ENOSPC', 'EROFS', 'EACCES']) {
      const cause = fault('secret', { code, syscall: 'open', path: '/var/lib/id/server.sqlite' })
      expect(causeOf(cause)).to.deep.equal({
        name: 'Error',
        code,
        syscall: 'open',
        path: '/var/lib/id/server.sqlite',
      })
    }
  })

  it('names what SQLite says of itself, and not the statement', () => {
    const cause = fault('insert alice failed', {
      code: 'ERR_SQLITE_ERROR',
      errcode: 13,
      errstr: 'database or disk is full',
      sql: 'insert alice',
    })
    expect(causeOf(cause)).to.deep.equal({
      name: 'Error',
      code: 'ERR_SQLITE_ERROR',
      errcode: 13,
      errstr: 'database or disk is full',
    })
  })

  it('goes through the wrappers of a driver to the host that refused, and tells each address', () => {
    const refused = (address: string): Error =>
      fault('connect', { code: 'ECONNREFUSED', syscall: 'connect', address, port: 27017 })
    const both = new AggregateError([refused('127.0.0.1'), refused('::1')], 'all failed')
    const network = Object.assign(new Error('network', { cause: both }), {
      name: 'MongoNetworkError',
    })
    const selection = new Error('nobody answered', { cause: network })
    expect(JSON.stringify(causeOf(selection)))
      .to.contain('MongoNetworkError')
      .and.to.contain('"address":"127.0.0.1","port":27017')
      .and.to.contain('"address":"::1"')
      .and.not.to.contain('nobody answered')
  })

  it('R31 tells the answer of a mail server without the address of a person and without a secret', () => {
    const cause = fault('x', {
      code: 'EENVELOPE',
      command: 'RCPT TO',
      responseCode: 550,
      response: '550 5.1.1 <alice@example.com>: no such user, VXNlcm5hbWU6c2VjcmV0LXBhc3M=',
    })
    expect(causeOf(cause)).to.deep.equal({
      name: 'Error',
      code: 'EENVELOPE',
      command: 'RCPT TO',
      responseCode: 550,
      response: '550 5.1.1 <…>: no such user, …',
    })
  })

  it('names why a certificate was refused', () => {
    const cause = fault('x', {
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
      host: 'mail.example.com',
      reason: "Host: mail.example.com. is not in the cert's altnames: DNS:other.example",
      cert: { raw: 'x' },
    })
    expect(causeOf(cause)).to.deep.include({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
      host: 'mail.example.com',
      reason: "Host: mail.example.com. is not in the cert's altnames: DNS:other.example",
    })
    expect(causeOf(cause)).not.to.have.property('cert')
  })

  it('has the message of our own errors, and the name alone of what is no error', () => {
    expect(causeOf(new MfaError('key-missing', 'No key of this id.'))).to.deep.equal({
      name: 'MfaError',
      code: 'key-missing',
      message: 'No key of this id.',
    })
    expect(causeOf('a secret')).to.deep.equal({ name: 'string' })
    expect(describeError('a secret')).to.deep.equal({ name: 'string' })
  })

  it('ends with a cycle of causes', () => {
    const one = new Error('one')
    one.cause = new Error('two', { cause: one })
    expect(JSON.stringify(describeError(one))).to.have.length.below(10_000)
  })
})
