import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Pending } from './provider.ts'

/** The session of a browser: its token, and the sign-in that it has begun for a deed. */
export interface Session {
  readonly id: string
  accessToken?: string
  pending?: Pending & { readonly name: string }
}

/** Browsers send a cookie to every port of a host, so each app needs a name of its own. */
const COOKIE = 'teller_session'

/** In memory: they end with the process. */
const sessions = new Map<string, Session>()

/** The session of a request. A browser without one gets a new one with the response. */
export function sessionOf(request: IncomingMessage, response: ServerResponse): Session {
  const [, id = ''] =
    new RegExp(`(?:^|; )${COOKIE}=([\\w-]+)`).exec(request.headers.cookie ?? '') ?? []
  return sessions.get(id) ?? start(response)
}

/** Ends a session and begins a new one in the same browser. */
export function end(session: Session, response: ServerResponse): Session {
  sessions.delete(session.id)
  return start(response)
}

function start(response: ServerResponse): Session {
  const session = { id: randomBytes(32).toString('base64url') }
  sessions.set(session.id, session)
  response.setHeader('Set-Cookie', `${COOKIE}=${session.id}; Path=/; HttpOnly; SameSite=Lax`)
  return session
}
