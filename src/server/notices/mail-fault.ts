import { codeOfMailFault } from '../../adapters/mail/index.ts'
import { MfaError } from '../../domain/errors.ts'
import { harmlessText } from '../observe/describe-error.ts'

/** Digits that may be a one-time code: a mail server may quote the mail that it refuses. */
const LONG_NUMBER = /\d{5,}/g

/**
 * Why a mail was not sent, in one line for an operator: the answer of the mail server, or the code of the fault. It has
 * no address, no code and no link (R31).
 */
export function faultOfMail(error: unknown): string {
  const isOurs = error instanceof MfaError
  if (isOurs && error.code !== 'mail-failed') return error.code
  const cause: unknown = isOurs ? (error.cause ?? error) : error
  const { response } = Object(cause) as { response?: unknown }
  return typeof response === 'string'
    ? harmlessText(response).replace(LONG_NUMBER, '…')
    : codeOfMailFault(cause)
}
