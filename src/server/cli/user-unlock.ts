import { endPasswordLocks } from '../accounts/name-lock.ts'
import { moment, type Output } from './terminal.ts'
import type { Session } from './session.ts'
import { find, shown } from './user-about.ts'
import { lockOf, type MfaStatus } from './user-show.ts'

/**
 * `user unlock`: ends the lock of the name after wrong passwords and the waits after wrong codes. Locks that say that
 * somebody else may have the account stay, and the output names the command that ends each.
 */
export async function unlock(session: Session, name: string): Promise<Output> {
  const { storage, record } = session.foundation
  const account = await find(session, name)
  const [lock, before] = [await lockOf(session, account), await statusOf(session, account.id)]
  await endPasswordLocks(storage.counters, account)
  await session.mfa.accounts.unlock(account.id)
  await record('user-unlocked', { accountId: account.id })
  const ended = [
    ...(lock === undefined ? [] : ['name']),
    ...(before.lockedUntil === undefined ? [] : ['codes']),
  ]
  const left = locksLeft(await statusOf(session, account.id))
  return {
    json: { ...shown(account), ended, left: left.map(({ lock: of }) => of) },
    text: [
      `The waits after wrong passwords and codes of ${account.username} have ended.`,
      ...(account.disabledAt === undefined ? [] : ['The account stays disabled: user enable.']),
      ...left.map(({ text }) => text),
      '',
    ].join('\n'),
  }
}

function statusOf(session: Session, accountId: string): Promise<MfaStatus> {
  return session.mfa.accounts.status(accountId)
}

function locksLeft({ codesDisabled, passwordSuspected, frozenAt }: MfaStatus) {
  const held = {
    owner: frozenAt !== undefined,
    codes_disabled: codesDisabled,
    password_suspected: passwordSuspected,
  }
  const texts = {
    owner: `Locked by its owner since ${moment(frozenAt)}: a second factor of theirs ends it, or reset-mfa.`,
    codes_disabled: 'Codes stay turned off after too many wrong ones: reset-mfa.',
    password_suspected:
      'Somebody else may know the password: a new one ends this, by user link or reset-mfa --password.',
  }
  return (Object.keys(held) as (keyof typeof held)[])
    .filter((lock) => held[lock])
    .map((lock) => ({ lock, text: texts[lock] }))
}
