import { isEnrolled } from '../../src/domain/enrolment.ts'
import { pathOf, type Visit } from './visit.ts'

/** The link to recovery on the pages that ask for a factor. Absent: recovery is off, or the person has no factor. */
export function lostLink(visit: Visit): { lostHref?: string } {
  const isOffered = visit.core.recovers && isEnrolled(visit.seen.record)
  return isOffered ? { lostHref: pathOf(visit, 'recovery') } : {}
}
