import { MfaError } from '../domain/errors.ts'
import type { Delivery } from '../ports/services.ts'
import type { Dependencies } from './dependencies.ts'

/** Sends after the commit. Throws MfaError `mail-failed` (503). */
export async function deliver(deps: Dependencies, delivery: Delivery): Promise<void> {
  if (deps.mailer === undefined)
    throw new MfaError(
      'mail-failed',
      'There is nothing to send mail with: give createMfa `sendMail`',
      {
        status: 503,
      },
    )
  try {
    await deps.mailer.send(delivery)
  } catch (cause) {
    throw new MfaError('mail-failed', 'A message could not be handed over', { status: 503, cause })
  }
}
