import type { KoaContextWithOIDC } from 'oidc-provider'
import { tellRefused } from '../src/application/refused-attempts.ts'
import type { RequestDetail } from '../src/domain/events.ts'
import type { Decision } from '../src/domain/policy/decide.ts'
import { trailOf } from '../src/domain/policy/explain.ts'
import { interactionIn } from '../src/host/context.ts'
import { localeIn, type Core } from './core.ts'

const LONGEST_USER_AGENT = 256

/** A decision on an authorization, for the audit trail. */
export interface DecisionToTell {
  readonly accountId: string
  readonly decision: Decision
  /** The decision of the rules on trial. Absent: there are none. */
  readonly shadow?: Decision | undefined
  /** Whether a page comes that the policy does not ask for: it offers a factor to the person. */
  readonly isOffered?: boolean
  /** Whether the request fails although a step is left: it was made and did not help, or would not help anybody. */
  readonly isRefused?: boolean
}

/**
 * Tells listeners, and so the audit trail, of a decision that shows a page, refuses, or differs from that of the rules on
 * trial. The host decides again after each page of an authorization: it is told once, when the first factor is proved or
 * a session is there, and once more only if the request is refused in the end. The tally of refused attempts bounds
 * the events: a browser could begin any number of authorizations (R47).
 */
export function tellDecision(core: Core, ctx: KoaContextWithOIDC, about: DecisionToTell): void {
  const { accountId, decision, shadow, isOffered = false, isRefused = false } = about
  const told = trailOf(decision, shadow, isOffered || isRefused)
  if (told === undefined) return
  const word = isRefused ? 'refuse' : told.decision
  if (isToldBefore(core, ctx) && word !== 'refuse') return
  const detail = { ...told, decision: word }
  tellRefused(
    core.deps,
    { accountId, detail: requestDetail(core, ctx) },
    { type: 'policy-decided', detail },
  )
}

/** Whether the person comes from a page after the first factor: the decision was told before that page. */
function isToldBefore({ taken }: Core, { oidc }: KoaContextWithOIDC): boolean {
  const page = interactionIn(oidc)?.prompt?.name
  return page !== undefined && !taken.firstFactorPrompts.has(page)
}

function requestDetail(core: Core, { oidc, ip, req }: KoaContextWithOIDC): RequestDetail {
  const userAgent = req.headers['user-agent']?.slice(0, LONGEST_USER_AGENT)
  return {
    ...(oidc.client === undefined ? {} : { clientId: oidc.client.clientId }),
    ip,
    ...(userAgent === undefined ? {} : { userAgent }),
    locale: localeIn(core, req.headers, { ...oidc.params }),
  }
}
