/**
 * The rules that every adapter of the host's records follows, whatever its database.
 *
 * **Sessions do not come back.** The host saves a session as a whole document at the end of each request, so a request
 * in flight writes back a session that was signed out meanwhile. Refusing the destroyed id is not enough: the request
 * in flight may give the session a new id first (`resetIdentifier`, at every resume), and the host then calls
 * `destroy(oldId)` and `upsert(newId)` with the same `uid`, just as a sign-out followed by a write-back would. The
 * adapter distinguishes the two as follows:
 *
 * - An id that was destroyed is never written again (`ended id`).
 * - `destroy(id)` of a `moved` session ends that id alone: its successor, also two successors of two parallel
 *   requests, may be stored under the same `uid`.
 * - `destroy(id)` of a `signed-out` session ends the `uid`: every live record of it goes, also one that a parallel
 *   request has just moved to, and nothing is stored under it again.
 * - When the adapter cannot know (`unknown`: outside a request of the host's, such as a script or a page of the
 * plugin's), the `uid` ends but one heir is permitted: the first new id under that `uid` within `HEIR_SECONDS` is the
 * successor of a move. A second `destroy` of any ended id of that `uid` removes this permission, because it proves that
 * two requests hold the session: the one that signs out, and the one that would write it back. A move always begins
 * with `destroy(oldId)`, so a write-back under a new id removes the permission itself.
 *
 * A refused `upsert` is ignored without an error. The request in flight then answers as usual, and its browser holds
 * the id of a session that does not exist.
 */
import { errors } from 'oidc-provider'

/** For how long `find` still returns an expired record: the host itself distinguishes "expired" from "unknown". */
const FIND_GRACE_SECONDS = 600

/** A used refresh token is kept longer: a theft is detected when it is presented again (RFC 9700 4.14.2). */
export const USED_REFRESH_TOKEN_GRACE_SECONDS = 24 * 3600

/** For how long ended sessions are remembered: longer than any request is in flight. */
export const ENDED_SESSION_SECONDS = 3600

/** How long after `destroy(oldId)` its `upsert(newId)` may come: the host makes the two calls in a row. */
export const HEIR_SECONDS = 10

/** The error for the second caller of `consume`. The host reads the record, consumes it, and ignores the result. */
export function alreadyConsumed(model: string): Error {
  return new errors.InvalidGrant(`${model} was already used`)
}

/** Until when the record is found and not swept; undefined: for ever (`expiresIn` may be undefined). */
export function keepUntil(now: number, expiresIn: number | undefined): number | undefined {
  return typeof expiresIn === 'number' && Number.isFinite(expiresIn)
    ? now + Math.ceil(expiresIn) + FIND_GRACE_SECONDS
    : undefined
}
