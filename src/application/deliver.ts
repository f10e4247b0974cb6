import { MfaError } from '../domain/errors.ts'
import type { MfaRecord } from '../domain/mfa-record.ts'
import type { Delivery } from '../ports/services.ts'
import { commit } from './commit.ts'
import type { Dependencies } from './dependencies.ts'

/**
 * Sends a message after the commit that decided it. False: it could not be handed over. The cause is reported as
 * MfaError `mail-failed`, and `takeBack` undoes in the record what the commit had noted of it, so that the person may
 * ask again at once. Throws what a commit throws.
 */
export async function sendOrTakeBack(
  deps: Dependencies,
  accountId: string,
  delivery: Delivery,
  takeBack: (record: MfaRecord) => MfaRecord,
): Promise<boolean> {
  try {
    await send(deps, delivery)
    return true
  } catch (error) {
    deps.report(error)
    await commit(deps, accountId, (record) => ({ outcome: undefined, record: takeBack(record) }))
    return false
  }
}

async function send({ mailer }: Dependencies, delivery: Delivery): Promise<void> {
  if (mailer === undefined)
    throw new MfaError(
      'mail-failed',
      'There is nothing to send mail with: give createMfa `sendMail`',
      { status: 503 },
    )
  try {
    await mailer.send(delivery)
  } catch (cause) {
    throw new MfaError('mail-failed', 'A message could not be handed over', { status: 503, cause })
  }
}
