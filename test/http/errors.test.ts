import { expect } from 'chai'
import { createRequire } from 'node:module'
import { DatabaseSync } from 'node:sqlite'
import { errors as host } from 'oidc-provider'
import { MfaError, type ErrorCode } from '../../src/domain/errors.ts'
import { answerError } from '../../src/http/errors.ts'

const createHttpError = createRequire(import.meta.url)('http-errors') as (
  status: number,
  message?: string,
) => Error

const context = { requestId: 'req-1' }

describe('answering an error', () => {
  const expected: Record<ErrorCode, [status: number, page: string, retryAfter?: string]> = {
    'options-invalid': [500, 'error'],
    'views-invalid': [500, 'error'],
    'configuration-not-composable': [500, 'error'],
    'host-unfit': [500, 'error'],
    'not-configured': [500, 'error'],
    'not-attached': [500, 'error'],
    'cookie-keys-differ': [500, 'error'],
    'login-not-sealed': [500, 'error'],
    'wrong-prompt': [410, 'expired'],
    'interaction-expired': [410, 'expired'],
    'form-forged': [403, 'forbidden'],
    'form-unreadable': [400, 'error'],
    'body-already-read': [500, 'error'],
    'form-too-large': [413, 'error'],
    'form-type': [415, 'error'],
    'record-unreadable': [500, 'error'],
    'record-contended': [503, 'unavailable', '1'],
    'handle-taken': [409, 'error'],
    'key-missing': [500, 'error'],
    'seal-broken': [500, 'error'],
    'storage-unavailable': [503, 'unavailable', '5'],
    'storage-refused': [500, 'error'],
    'schema-outdated': [503, 'unavailable', '30'],
    'schema-too-old': [503, 'unavailable', '30'],
    'schema-newer': [503, 'unavailable', '30'],
    'schema-foreign': [503, 'unavailable', '30'],
    'too-many-attempts': [429, 'busy', '1'],
    'hashing-overloaded': [503, 'unavailable', '1'],
    'account-unknown': [404, 'not-found'],
    'fields-protected': [500, 'error'],
    'mail-failed': [503, 'unavailable', '30'],
  }
  for (const [code, [status, page, retryAfter]] of Object.entries(expected))
    it(`gives ${code} its page \`${page}\` with ${status}`, () => {
      const answer = answerError(new MfaError(code as ErrorCode, 'private'), context)
      expect(answer).to.include({ status, page })
      expect(answer.headers['Retry-After']).to.equal(retryAfter)
      expect(answer.fault).to.equal(status >= 500)
    })

  it('R31 gives nothing of an unknown error away but the request id', () => {
    const thrown: unknown[] = [
      new Error('secret JBSWY3DPEHPK3PXP'),
      Object.assign(new Error('secret'), { status: 418, expose: false }),
      Object.assign(new Error('secret'), { status: 502, expose: true, error: 'secret' }),
      new MfaError('seal-broken', 'secret', { cause: new Error('secret') }),
      'secret',
      { secret: 'secret' },
      undefined,
    ]
    for (const error of thrown)
      expect(answerError(error, context)).to.deep.equal({
        status: 500,
        page: 'error',
        model: { requestId: 'req-1' },
        headers: {},
        fault: true,
      })
  })

  it('R32 answers 503 for a database that is read-only, closed or missing', () => {
    const readOnly = new DatabaseSync(':memory:')
    readOnly.exec('PRAGMA query_only = 1')
    expectUnavailable(thrownBy(() => readOnly.exec('CREATE TABLE t (a)')))
    expectUnavailable(thrownBy(() => new DatabaseSync('/nowhere/at/all.sqlite')))
    readOnly.close()
  })

  it('R32 answers 503 for a full disk, a refused connection, a driver that cannot reach its server', () => {
    class MongoServerSelectionError extends Error {
      override name = 'MongoServerSelectionError'
    }
    expectUnavailable(Object.assign(new Error('x'), { code: 'ENOSPC' }))
    expectUnavailable(Object.assign(new Error('x'), { code: 'EROFS' }))
    expectUnavailable(new AggregateError([Object.assign(new Error('x'), { code: 'ECONNREFUSED' })]))
    expectUnavailable(new MongoServerSelectionError('x'))
    expectUnavailable(new Error('x', { cause: new MongoServerSelectionError('y') }))
  })

  it('answers 500 for what a driver says of an operation that is refused each time', () => {
    const refused = Object.assign(new Error('secret'), { name: 'MongoServerError', code: 121 })
    for (const error of [refused, new Error('x', { cause: refused })])
      expect(answerError(error, context)).to.deep.equal({
        status: 500,
        page: 'error',
        model: { requestId: 'req-1' },
        headers: {},
        fault: true,
      })
  })

  it('answers also when an error is its own cause', () => {
    const error = new Error('x')
    error.cause = error
    expect(answerError(error, context).status).to.equal(500)
  })

  it('explains an interaction the host does not find with the expired page, and the way back', () => {
    const gone = new host.SessionNotFound('interaction session not found')
    expect(answerError(gone, context)).to.include({ status: 410, page: 'expired', fault: false })
    expect(answerError(gone, { ...context, wayBack: 'https://app.example' }).model).to.deep.equal({
      href: 'https://app.example',
    })
  })

  it("shows the host's public code and description, not its private detail", () => {
    const error = new host.InvalidRequest('redirect_uri is missing', 400, { detail: 'private' })
    expect(answerError(error, context)).to.deep.equal({
      status: 400,
      page: 'error',
      model: {
        requestId: 'req-1',
        detail: { error: 'invalid_request', description: 'redirect_uri is missing' },
      },
      headers: {},
      fault: false,
    })
  })

  it("gives Koa's own refusals their pages", () => {
    expect(answerError(createHttpError(404), context)).to.include({
      status: 404,
      page: 'not-found',
    })
    expect(answerError(createHttpError(405), context)).to.include({
      status: 404,
      page: 'not-found',
    })
    expect(answerError(createHttpError(403), context)).to.include({
      status: 403,
      page: 'forbidden',
    })
    expect(answerError(createHttpError(400, 'private'), context)).to.deep.include({
      status: 400,
      page: 'error',
      model: { requestId: 'req-1' },
    })
  })

  it('ends the connection when a body was left unread', () => {
    for (const code of ['form-too-large', 'form-type'] as const)
      expect(answerError(new MfaError(code, 'x'), context).headers).to.deep.equal({
        Connection: 'close',
      })
  })
})

function thrownBy(act: () => unknown): unknown {
  try {
    act()
  } catch (error) {
    return error
  }
  throw new Error('It did not throw.')
}

function expectUnavailable(error: unknown): void {
  expect(answerError(error, context)).to.deep.equal({
    status: 503,
    page: 'unavailable',
    model: { retryAfterSeconds: 5 },
    headers: { 'Retry-After': '5' },
    fault: true,
  })
}
