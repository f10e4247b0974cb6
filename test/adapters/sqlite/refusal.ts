import { expect } from 'chai'
import { MfaError } from '../../../src/domain/errors.ts'
import type { ErrorCode } from '../../../src/domain/errors.ts'

/** The MfaError with which `work` is refused. Any other result fails the test. */
export async function refusal(work: () => unknown): Promise<MfaError> {
  try {
    await work()
  } catch (error) {
    if (error instanceof MfaError) return error
    throw error
  }
  throw new Error('It was not refused.')
}

export async function expectRefusal(code: ErrorCode, work: () => unknown): Promise<MfaError> {
  const error = await refusal(work)
  expect({ code: error.code, status: error.status }).to.deep.equal({ code, status: 503 })
  return error
}
