import type { Command } from 'commander'
import type { LiveSession, LiveSessions } from '../accounts/live-sessions.ts'
import { createApp } from '../boot/app.ts'
import { openLog } from '../observe/log.ts'
import { withSession, type Session } from './session.ts'
import {
  answer,
  command,
  moment,
  readingCommand,
  Refusal,
  table,
  type Options,
  type Output,
  type Terminal,
} from './terminal.ts'

const ADMINISTRATOR = { reason: 'administrator' } as const

/** `user sessions` and `user end-sessions`: an administrator ends any session (R20). */
export function addUserSessionCommands(
  user: Command,
  terminal: Terminal,
  idOf: (session: Session, name: string) => Promise<string>,
): void {
  const add = (name: string, summary: string, deed: Deed, make = command): Command => {
    const made = make(user, name, summary).argument('<name>', 'user name or verified address')
    answer(terminal, made, async ([typed = ''], options) =>
      withSession(terminal, async (session) => {
        const accountId = await idOf(session, typed)
        return deed(await sessionsOf(session), { accountId, name: typed }, options)
      }),
    )
    return made
  }
  add('sessions', 'list where a person is signed in', list, readingCommand)
  add('end-sessions', 'end the sessions of a person, and what apps have got in them', end).option(
    '--session <id>',
    'end this session alone',
  )
}

type Deed = (
  sessions: LiveSessions,
  about: { readonly accountId: string; readonly name: string },
  options: Options,
) => Promise<Output>

/** The whole server without its socket: it knows the apps and has the keys with which they are told. */
async function sessionsOf({ foundation }: Session): Promise<LiveSessions> {
  return (await createApp(foundation, { log: openLog('silent') })).sessions
}

const list: Deed = async (sessions, { accountId }) => {
  const live = await sessions.list(accountId)
  return {
    json: live.map(({ id, firstAt, lastAt, network, browser, clientIds }) => ({
      id,
      first_at: firstAt,
      last_at: lastAt,
      network: network ?? null,
      browser: browser ?? null,
      clients: clientIds,
    })),
    text: table(['ID', 'BROWSER', 'NETWORK', 'SINCE', 'LAST USED', 'APPS'], live.map(rowOf)),
  }
}

function rowOf({ id, browser, network, firstAt, lastAt, clientIds }: LiveSession): string[] {
  const name = browser === undefined ? '' : Object.values(browser).join(', ')
  return [id, name, network ?? '', moment(firstAt), moment(lastAt), clientIds.join(',')]
}

const end: Deed = async (sessions, { accountId, name }, { session: id }) => {
  if (typeof id !== 'string') {
    const ended = await sessions.endOthers(accountId, undefined, ADMINISTRATOR)
    return { json: { ended }, text: `${ended} sessions of ${name} have ended.\n` }
  }
  if (!(await sessions.end(accountId, id, ADMINISTRATOR)))
    throw new Refusal('session-unknown', 'This person has no such session.')
  return { json: { ended: 1 }, text: 'The session has ended.\n' }
}
