import { MfaError } from '../../domain/errors.ts'

export interface Change {
  /** Writes the audit entry of the change. */
  readonly record: () => Promise<void>
  /** Puts back what was there before the change. False: somebody has changed it since. */
  readonly undo: () => Promise<boolean>
  /** A sentence for the operator about what is left when `undo` fails. */
  readonly otherwise: string
}

/**
 * Records a change of a client that was carried out. If the audit entry cannot be written, the change is taken back: a
 * new secret is not shown then, so the client must not have it. Throws the error of the storage then, whose message says
 * whether the client is as before.
 */
export async function recordOrUndo({ record, undo, otherwise }: Change): Promise<void> {
  try {
    await record()
  } catch (error) {
    const isBack = await undo().catch(() => false)
    throw unrecorded(error, isBack ? 'so nothing was changed:' : otherwise)
  }
}

function unrecorded(cause: unknown, consequence: string): Error {
  const why = cause instanceof Error ? cause.message : String(cause)
  const message = `The audit entry was not written, ${consequence} ${why}`
  return cause instanceof MfaError
    ? new MfaError(cause.code, message, { status: cause.status, cause })
    : new Error(message, { cause })
}
