import type { Context } from 'koa'
import type { Apps } from '../accounts/apps.ts'
import type { LiveSession, LiveSessions } from '../accounts/live-sessions.ts'
import { senderOf } from '../observe/audit.ts'
import type { ShowPage } from '../pages/render.ts'

/** The services of the pages about sessions and apps. */
export interface LivePages {
  readonly sessions: LiveSessions
  readonly apps: Apps
  readonly show: ShowPage
  /** The path of an account page by its name; that of the overview for an empty one. */
  readonly addressOf: (name: string) => string
  /** The names of the apps of a session, without the account pages. */
  readonly namesOf: (session: LiveSession) => Promise<readonly string[]>
}

/** The owner of the account, for the audit trail, with the place of the request. */
export const byOwner = (ctx: Context) => ({ reason: 'owner', ...senderOf(ctx) }) as const
