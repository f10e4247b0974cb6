import type { AdapterPayload } from 'oidc-provider'
import { shownNetwork } from '../../domain/shown-network.ts'
import type { Instant } from '../../domain/time.ts'
import { presentContext } from '../../host/context.ts'
import { overlay } from '../../host/overlay.ts'
import { seenIn, withSeen } from '../../host/session.ts'
import { browserName, type BrowserName } from '../../domain/browser-name.ts'
import type { HostAdapter } from '../../ports/host-records.ts'

/** The times and the place at which a session of an account was used. */
export interface SessionSeen {
  readonly accountId: string
  readonly firstAt: Instant
  readonly lastAt: Instant
  /** In our own words; absent: an unknown browser. */
  readonly browser?: BrowserName
  /** The /24 or /48 of the last request. */
  readonly network?: string
}

/**
 * The host's sessions, each with a note on when and where it was used. The host stores a session in each request that
 * uses it, so the note costs no write of its own. It is sealed with the session.
 */
export function seenSessions(sessions: HostAdapter, now: () => Instant): HostAdapter {
  return overlay(sessions, {
    upsert: (id: string, payload: AdapterPayload, expiresIn: number) =>
      sessions.upsert(id, withPlace(payload, now()), expiresIn),
  })
}

function withPlace(payload: AdapterPayload, at: Instant): AdapterPayload {
  const { accountId } = payload
  if (accountId === undefined) return payload
  const noted = seenIn<SessionSeen>(payload)
  // Another person has signed in to the same browser.
  const before = noted?.accountId === accountId ? noted : undefined
  const seen: SessionSeen = {
    ...before,
    ...placeOfRequest(),
    accountId,
    firstAt: before?.firstAt ?? at,
    lastAt: at,
  }
  return withSeen(payload, seen)
}

/** The browser and the network of the host's request. Empty outside of one, such as on a page of the plugin. */
function placeOfRequest(): Pick<SessionSeen, 'browser' | 'network'> {
  const ctx = presentContext()
  if (ctx === undefined) return {}
  const browser = browserName(ctx.get('user-agent'))
  const network = shownNetwork(ctx.ip)
  return {
    ...(browser === undefined ? {} : { browser }),
    ...(network === undefined ? {} : { network }),
  }
}
