import { setUpLinksOf } from '../pages/links.ts'
import type { Session } from './session.ts'
import { moment, type Output } from './terminal.ts'
import { find } from './user-about.ts'
import { shown } from './user-add.ts'

/** `user link`: a one-time link with which somebody sets a password. */
export async function makeLink(session: Session, name: string): Promise<Output> {
  const account = await find(session, name)
  const kind = account.passwordHash === undefined ? 'invitation' : 'reset'
  const link = await setUpLinksOf(session.foundation, session.mfa).make(account, kind)
  return {
    json: { ...shown(account), set_up_link: link.url, expires_at: link.expiresAt },
    text: `This link sets the password of ${account.username}, once, until ${moment(link.expiresAt)}:\n${link.url}\n`,
  }
}
