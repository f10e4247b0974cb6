import type { AccountPage, AccountVisit } from '../../index.ts'
import type { ShownSession } from '../../http/pages.ts'
import { sessionIdOf, type LiveSession } from '../accounts/live-sessions.ts'
import { byOwner, type LivePages } from './live-services.ts'

/** The page on which people see where they are signed in, and end sessions (R20). */
export function sessionsPage(pages: LivePages): AccountPage {
  const { sessions, show } = pages
  return {
    name: 'sessions',
    group: 'access',
    async show(visit, ctx) {
      const { csrf, name, language, said } = visit
      await show(
        ctx,
        'account-sessions',
        {
          csrf,
          action: pages.addressOf('sessions'),
          sessions: await shownSessions(pages, visit),
          accountHref: pages.addressOf(''),
          ...(said === undefined ? {} : { said }),
        },
        { accountLabel: name, language },
      )
    },
    deeds: {
      'end-session': {
        needs: 'recent',
        keeps: ['id'],
        async run({ accountId, sessionUid }, { id = '' }, ctx) {
          await sessions.end(accountId, id, byOwner(ctx))
          if (id !== sessionIdOf(sessionUid)) return 'session-ended'
          await show(ctx, 'signed-out', {})
          return undefined
        },
      },
      'end-all': {
        needs: 'recent',
        async run({ accountId, sessionUid }, _form, ctx) {
          await sessions.endOthers(accountId, sessionIdOf(sessionUid), byOwner(ctx))
          return 'sessions-ended'
        },
      },
    },
  }
}

/** This session comes first, then the one that was used last. */
async function shownSessions(
  pages: LivePages,
  { accountId, sessionUid }: AccountVisit,
): Promise<readonly ShownSession[]> {
  const current = sessionIdOf(sessionUid)
  const live = await pages.sessions.list(accountId)
  const shown = await Promise.all(
    live.map(async (session) => shownSession(session, current, await pages.namesOf(session))),
  )
  return shown.toSorted((one, other) => Number(other.current) - Number(one.current))
}

function shownSession(
  { clientIds: _, ...session }: LiveSession,
  current: string,
  apps: readonly string[],
): ShownSession {
  return { ...session, current: session.id === current, apps }
}
