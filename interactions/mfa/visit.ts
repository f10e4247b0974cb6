import type { Context } from 'koa'
import type { ChallengeGround } from '../../src/application/challenge-factor.ts'
import type { Loaded } from '../../src/application/commit.ts'
import type { Place } from '../../src/application/verify-factor.ts'
import { acceptedIn } from '../../src/domain/attempt.ts'
import { firstFactorHeldUntil } from '../../src/domain/enrolment.ts'
import { MfaError } from '../../src/domain/errors.ts'
import { isCurrent, PENDING_SECONDS } from '../../src/domain/first-factor.ts'
import type { AnyFactor } from '../../src/factors/factor.ts'
import type { AcceptedAttempt } from '../../src/domain/mfa-record.ts'
import { proofsByLevel } from '../../src/domain/policy/session-proofs.ts'
import { FIRST_EPOCH } from '../../src/domain/session.ts'
import type { Beside, PageModels, PageName, Surroundings } from '../../src/http/pages.ts'
import { authorizationIdOf, submissionOf, type Interaction } from '../../src/host/interaction.ts'
import { signedInSession } from '../../src/host/session.ts'
import { csrfToken } from '../../src/http/csrf.ts'
import { pageHeaders } from '../../src/http/headers.ts'
import { initialsOf } from '../../src/http/initials.ts'
import type { BrowserTokens } from '../browser-token.ts'
import { linksOf, localeIn, providerOf, publicPath, type Core } from '../core.ts'
import { placeOf, recordedName } from '../place.ts'
import type { SessionSubject, Subject } from '../result.ts'
import { parseFirstFactor } from '../seal.ts'
import { MFA_PROMPT, type MfaDetails } from './prompt.ts'

/** One request to the pages of a second factor, with everything that has been checked about it. */
export interface Visit {
  readonly core: Core
  readonly ctx: Context
  readonly interaction: Interaction
  readonly details: MfaDetails
  readonly subject: Subject | SessionSubject
  /** Whether a higher level is asked of a session, and no first factor was shown in this sign-in. */
  readonly stepUp: boolean
  readonly seen: Loaded
  readonly place: Place
  readonly tokens: BrowserTokens
  /** The language of the page. */
  readonly locale: string
}

/**
 * Finds the interaction by its cookie and checks that it is the one in the URL, that it asks for the second factor, and
 * whom it is about. The host finds it by the cookie alone: without these checks an answer for one account or prompt
 * could be counted for another.
 *
 * Throws the host's SessionNotFound, MfaError `interaction-expired`, `wrong-prompt`.
 */
export async function openVisit(core: Core, ctx: Context, uid: string): Promise<Visit> {
  const interaction = await providerOf(core).interactionDetails(ctx.req, ctx.res)
  if (interaction.uid !== uid) throw expired('The address is of another sign-in')
  if (interaction.prompt.name !== MFA_PROMPT)
    throw new MfaError('wrong-prompt', 'This sign-in does not ask for a second factor', {
      status: 410,
    })
  const { mfa: details } = interaction.prompt.details as { mfa: MfaDetails }
  const { subject, stepUp, seen } = await subjectOf(core, interaction)
  return {
    core,
    ctx,
    interaction,
    details,
    subject,
    stepUp,
    seen,
    locale: localeIn(core, ctx.headers, interaction.params, details.language),
    ...placeOf(core, ctx.req, interaction, subject, ctx.ip, details.language),
  }
}

/** The facts about the person and the page that a factor receives when it makes a challenge or an enrolment. */
export function groundOf({
  core,
  details: { address },
  locale,
}: Pick<Visit, 'core' | 'locale'> & {
  readonly details: Pick<MfaDetails, 'address'>
}): ChallengeGround {
  const { issuer } = providerOf(core)
  return { locale, issuer, ...(address === undefined ? {} : { address }) }
}

async function subjectOf(
  core: Core,
  interaction: Interaction,
): Promise<Pick<Visit, 'subject' | 'stepUp' | 'seen'>> {
  const value = submissionOf(interaction)?.firstFactor
  if (value !== undefined && value !== null) {
    const pending = parseFirstFactor(core.deps.box, authorizationIdOf(interaction), value)
    if (pending === undefined) throw expired('The first factor of this sign-in is not ours')
    const seen = await core.record(undefined, pending.accountId)
    // An enrolment in this very interaction may raise the epoch, and its proof is in the record: the pending epoch still
    // counts.
    const name = recordedName(interaction)
    const passed = seen.record.accepted.some((a) => a.interaction === name)
    const epoch = passed ? pending.epoch : seen.record.epoch
    const now = core.deps.clock.now()
    const heldUntil = firstFactorHeldUntil(seen.record, name, now)
    if (!isCurrent(pending, epoch, now, heldUntil))
      throw expired('The first factor of this sign-in is over')
    return { subject: pending, stepUp: false, seen }
  }
  const session = await signedInSession(providerOf(core), interaction.session)
  if (session === undefined) throw expired('There is neither a first factor nor a session')
  const { accountId, amr = ['pwd'], signedInAt, remember, epoch = FIRST_EPOCH } = session
  return {
    subject: {
      accountId,
      amr,
      ts: signedInAt,
      epoch,
      ...(remember ? {} : { remember }),
      proofs: session.proofs ?? proofsByLevel(core.policy.levels, session),
    },
    stepUp: true,
    seen: await core.record(undefined, accountId),
  }
}

export function expired(why: string): MfaError {
  return new MfaError('interaction-expired', why, { status: 410 })
}

/** The factor that a form or an address names. Throws MfaError `form-unreadable`. */
export function knownFactor(core: Core, id: string | undefined): AnyFactor {
  const factor = id === undefined ? undefined : core.deps.factors.get(id)
  if (factor === undefined)
    throw new MfaError('form-unreadable', 'There is no such factor', { status: 400 })
  return factor
}

/**
 * The path of a page of this interaction. It begins with the path of the interaction's cookie, so that two tabs stay
 * apart.
 */
export function pathOf(visit: Visit, ...steps: readonly string[]): string {
  return [publicPath(visit.core), visit.interaction.uid, ...steps].join('/')
}

/** The token of the form that is posted to a page of this interaction. */
export function tokenFor(visit: Visit): string {
  return csrfToken(visit.core.deps.box, { boundTo: visit.interaction.uid, purpose: MFA_PROMPT })
}

export async function show<P extends PageName>(
  visit: Visit,
  page: P,
  model: PageModels[P],
  status = 200,
  beside: readonly Beside[] = [],
): Promise<void> {
  const { core, ctx, interaction } = visit
  const leadsToApp = interaction.params.redirect_uri !== undefined
  ctx.status = status
  ctx.set(pageHeaders({ issuer: providerOf(core).issuer, leadsToApp }))
  ctx.type = 'html'
  const around = surroundings(visit)
  const shown = beside.length === 0 ? around : { ...around, beside }
  ctx.body = await core.views.render(page, model, shown)
}

/** A POST is answered 303: a 307 would send the form on (R22). */
export function redirect({ ctx }: Visit, location: string): void {
  seeOther(ctx, location)
}

export function seeOther(ctx: Context, location: string): void {
  ctx.set('Cache-Control', 'no-store')
  ctx.redirect(location)
  ctx.status = 303
}

function surroundings(visit: Visit): Surroundings {
  const { core, details, locale } = visit
  const { ofIssuer, ...client } = details.client
  return {
    issuerName: core.serviceName,
    locale,
    ...(ofIssuer ? {} : { client }),
    account: { label: details.label, initials: initialsOf(details.label), ...notYou(visit) },
    links: linksOf(core),
  }
}

/** The form by which another person may sign in instead, until a second factor is proved in this sign-in. */
function notYou(visit: Visit): Pick<NonNullable<Surroundings['account']>, 'notYou'> {
  if (passedOrNot(visit) !== undefined) return {}
  return { notYou: { action: pathOf(visit, 'not-you'), csrf: tokenFor(visit) } }
}

/** The accepted attempt of this interaction, if there is one. */
export function passedOrNot({ seen, place, core }: Visit): AcceptedAttempt | undefined {
  return acceptedIn(seen.record, place.interaction, core.deps.clock.now())
}

/**
 * Whether a session is older than a pending first factor may be. With a stolen session nobody sets up a factor: the
 * first factor is asked for again (R10).
 */
export function isTooOld({ stepUp, subject, core }: Visit): boolean {
  return stepUp && core.deps.clock.now() >= subject.ts + PENDING_SECONDS
}
