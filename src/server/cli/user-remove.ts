import type { Command } from 'commander'
import type { Account } from '../../ports/accounts.ts'
import { normaliseName } from '../accounts/name.ts'
import { removePerson } from '../accounts/remove-person.ts'
import { createApp } from '../boot/app.ts'
import { openLog } from '../observe/log.ts'
import { withSession, type Session } from './session.ts'
import { answer, command, Refusal, type Output, type Terminal } from './terminal.ts'
import { find } from './user-about.ts'

/** `user remove`: removes a person and all that the server holds about them, except the audit trail. */
export function addUserRemoveCommand(user: Command, terminal: Terminal): void {
  const remove = command(user, 'remove', 'remove a person for good; the audit trail stays')
    .argument('<name>', 'user name or verified address')
    .option('--confirm', 'do it without asking')
  answer(terminal, remove, async ([typed = ''], { confirm }) =>
    withSession(terminal, async (session) => {
      const account = await find(session, typed)
      if (confirm !== true) await ask(terminal, account)
      return removeAll(session, account)
    }),
  )
}

/** Throws Refusal `confirm`. */
async function ask(terminal: Terminal, { username, id }: Account): Promise<void> {
  if (terminal.json === true || terminal.ask === undefined)
    throw new Refusal('confirm', `${username} is removed for good, if you say --confirm.`)
  const typed = await terminal.ask(`Type ${username} to remove this person (${id}) for good: `)
  if (normaliseName(typed) !== normaliseName(username))
    throw new Refusal('confirm', 'That is another name: nobody was removed.')
}

async function removeAll({ foundation, mfa }: Session, account: Account): Promise<Output> {
  const { storage, accountEvents, clock, record } = foundation
  // The whole server without its socket: it knows the apps and has the keys with which they are told.
  const { provider, sessions } = await createApp(foundation, { log: openLog('silent') })
  await removePerson({ storage, mfa, accountEvents, provider, sessions, clock, record }, account)
  return {
    json: { id: account.id, username: account.username, removed: true },
    text: `${account.username} was removed. The audit trail keeps the entries, under the id ${account.id}.\n`,
  }
}
