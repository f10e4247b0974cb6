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

/** Expects a refusal that passes (503), or, for `storage-refused`, one that stays (500). */
export async function expectRefusal(code: ErrorCode, work: () => unknown): Promise<MfaError> {
  const error = await refusal(work)
  const status = code === 'storage-refused' ? 500 : 503
  expect({ code: error.code, status: error.status }).to.deep.equal({ code, status })
  return error
}
