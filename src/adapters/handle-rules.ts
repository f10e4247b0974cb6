import { MfaError } from '../domain/errors.ts'
import type { JsonObject } from '../domain/json.ts'

/**
 * The handles of a record that is about to be saved (ports/mfa-records.ts), each once. Throws TypeError if `handles` is
 * present and not an array of strings: without it nobody could sign in with the credential.
 */
export function handlesOf({ handles }: JsonObject): readonly string[] {
  if (handles === undefined) return []
  if (!Array.isArray(handles)) throw new TypeError('The handles of a record must be an array')
  return [...new Set(handles.map(asString))]
}

function asString(handle: unknown): string {
  if (typeof handle !== 'string') throw new TypeError('A handle of a record must be a string')
  return handle
}

/**
 * The error names neither the handle nor its owner: a person who tries another person's credential learns nothing
 * (R33).
 */
export function handleTaken(cause?: unknown): MfaError {
  return new MfaError('handle-taken', 'A handle of the record belongs to another account', {
    status: 409,
    cause,
  })
}
