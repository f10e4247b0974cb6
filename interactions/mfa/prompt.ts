import { errors, interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider'
import { meetRules } from '../../src/application/meet-rules.ts'
import { isReplaceable } from '../../src/application/change-factors.ts'
import { ruleWithMailbox } from '../../src/application/prove-owner.ts'
import { isEnrolled, isFirstSignIn, type FirstEnrolmentRule } from '../../src/domain/enrolment.ts'
import { hasSubject, type FactorChange } from '../../src/domain/factor-change.ts'
import { begunWith, type PendingFirstFactor } from '../../src/domain/first-factor.ts'
import type { MfaRecord } from '../../src/domain/mfa-record.ts'
import type { Decision } from '../../src/domain/policy/decide.ts'
import { assertionOf, type Proof } from '../../src/domain/policy/proofs.ts'
import { firstProof } from '../../src/domain/policy/session-proofs.ts'
import { missesWish } from '../../src/domain/step-up-offer.ts'
import { isDeviceRoute, isPromptPending, type OIDC } from '../../src/host/context.ts'
import { given } from '../../src/host/given.ts'
import { lookOf, type ClientLook, type HostClient } from '../../src/host/provider.ts'
import { countingProofsOf } from '../proofs.ts'
import { requestTimes, type RequestTimes } from '../request-times.ts'
import { isPostponedInSession, wishesIn } from '../../src/host/session.ts'
import type { Core, HostAccount, VerifiedAddress } from '../core.ts'
import { gracesInForce, gracesRunning, stepsOf } from '../decide.ts'
import { isPostponedIn, laterBy } from '../later.ts'
import { tellDecision } from '../tell-decision.ts'
import { NO_OFFER, offerIn, type Answering, type StepUpOffer } from '../step-up-offer.ts'
import { NEW_BROWSER } from '../result.ts'
import {
  acrRequestOf,
  CHANGE_PARAMETER,
  changeIn,
  isFactorAsked,
  pendingAccount,
  pendingOf,
  resultsOf,
} from '../request.ts'
import { leftOf } from './in-turn.ts'
import { setUpOf, type DecidedSetUp, type SetUp } from './set-up.ts'

const { Check, Prompt } = interactionPolicy

export const MFA_PROMPT = 'mfa'

/**
 * The findings of the prompt, kept in the interaction's details so that the pages need no context of the host: the
 * person's label, the look of the app, and the proof on which a first factor may be set up.
 */
export interface MfaDetails extends SetUp {
  readonly label: string
  readonly address?: string
  /** The person's verified addresses, for a recovery. */
  readonly addresses?: readonly VerifiedAddress[]
  /** The language that the person has chosen. */
  readonly language?: string
  readonly rule: FirstEnrolmentRule
  /** Whether `rule` was given for a first sign-in: it ends when somebody has completed one. */
  readonly firstSignIn: boolean
  /** The ids of the factors by which the person can go on. Absent: every factor that the person has. */
  readonly countingFactors?: readonly string[]
  /** Only an authenticator of the person whose key is in hardware leads on. */
  readonly asksHardware?: true
  /** The ids of the person's factors after which still another one is asked for. */
  readonly notEnough?: readonly string[]
  /** The page that comes before an answer of a lower level than the app asked for. */
  readonly offer?: { readonly canSetUp: boolean; readonly repeated: boolean }
  readonly client: ClientLook & {
    /** Whether the client is the issuer's own page for factors, and not an app to which people go on. */
    readonly ofIssuer: boolean
  }
}

/**
 * Makes the prompt that comes right after `login`. It asks for the second factor where the policy requires one and for
 * as long as a first factor is pending: nothing but this prompt turns a pending first factor into a session. Where the
 * authorization request asks for a change of factors, it asks for a fresh second factor, whatever the session has
 * (R11).
 */
export function mfaPrompt(core: Core): InstanceType<typeof Prompt> {
  return new Prompt(
    { name: MFA_PROMPT, requestable: true },
    async (ctx) => ({ mfa: await describe(core, ctx) }),
    new Check(
      'second_factor_required',
      'a second authentication factor is required',
      'interaction_required',
      async (ctx) => needsSecondFactor(core, ctx),
    ),
  )
}

/**
 * Throws `unmet_authentication_requirements` where no way of signing in leads to an essential acr (R24), and where every
 * factor that counts was shown just now and did not reach the level: it is of the same kind as the first one (R26), and the person
 * would be asked for it for ever. Throws `login_required` where the login page has answered with a first factor that is
 * older than the request or a rule allows (R15, R25). Throws `invalid_request` for a change of what the account does not have.
 */
async function needsSecondFactor(core: Core, ctx: KoaContextWithOIDC): Promise<boolean> {
  const {
    decision,
    inTurn,
    isShown: shown,
    shadow,
    pending,
    change,
    account,
    offer,
    later,
  } = await decideFor(core, ctx)
  if (change !== undefined) {
    const { record } = await core.record(ctx, account.accountId)
    if (!hasSubject(record, change) || isUnfit(core, record, change))
      throw new errors.InvalidRequest(`${CHANGE_PARAMETER} names nothing of this account`)
  }
  const isOffered = offer.offer !== 'none'
  const isRefused =
    decision.step === 'unmet' ||
    (shown && !isAnswered(decision) && decision.reason !== 'redundancy' && inTurn.left.length === 0)
  const { accountId } = account
  const isTooOld = pending && decision.step === 'login'
  const isOver = isRefused || isTooOld
  tellDecision(core, ctx, { accountId, decision, shadow, isOffered, isRefused: isOver })
  // The login page knew the person before: it would answer with the same first factor for ever.
  if (isTooOld) throw new errors.LoginRequired('the first factor was shown too long ago')
  if (isAnswered(decision)) return pending || later !== undefined || isOffered
  if (isRefused)
    throw new errors.UnmetAuthenticationRequirements('the requested ACR cannot be obtained')
  return true
}

function isUnfit({ deps }: Core, record: MfaRecord, change: FactorChange): boolean {
  return change.kind === 'replace' && !isReplaceable(deps, record, change.authenticatorId)
}

interface Decided extends DecidedSetUp {
  /** The decision of the rules on trial. Absent: there are none. */
  readonly shadow?: Decision
  readonly pending: boolean
  /** Whether a second factor was shown for this request. */
  readonly isShown: boolean
  readonly account: HostAccount
  readonly offer: StepUpOffer
}

const decided = new WeakMap<KoaContextWithOIDC, Promise<Decided>>()

/** The requests that are answered by a lower level than the app asked for; an event of the host cannot wait. */
const missing = new WeakSet<object>()

/** Whether the authorization that the host has just accepted has a lower level than the app asked for. */
export function isWishMissed(ctx: object): boolean {
  return missing.has(ctx)
}

/** The policy's decision on the pending subject, or on the session's. It is made once per request. */
export function decideFor(core: Core, ctx: KoaContextWithOIDC): Promise<Decided> {
  const known = decided.get(ctx)
  if (known !== undefined) return known
  const made = decideOnce(core, ctx)
  decided.set(ctx, made)
  return made
}

async function decideOnce(core: Core, ctx: KoaContextWithOIDC): Promise<Decided> {
  const { oidc } = ctx
  const { pending } = await pendingOf(core, ctx)
  const accountId = pending?.accountId ?? given(oidc.session?.accountId, 'account')
  const found =
    pending === undefined ? core.account(ctx, accountId) : pendingAccount(core, ctx, pending)
  const account = given(await found, 'account')
  const { record } = await core.record(ctx, accountId)
  const requested = acrRequestOf(oidc)
  const isShown =
    pending === undefined ? resultsOf(oidc)[MFA_PROMPT] !== undefined : isProvedBeside(pending)
  // While factors are left to be proved, the change is still to be made.
  const change = isShown && pending === undefined ? undefined : changeIn(oidc.params)
  const fresh = !isShown && (isPromptPending(oidc, MFA_PROMPT) || isFactorAsked(record, change))
  const client = given(oidc.client, 'client')
  const question = { account, client, params: { ...oidc.params } }
  const proofs = proofsFor(core, ctx, pending)
  const wasNewBrowser = resultsOf(oidc)[NEW_BROWSER] === accountId
  const about = { record, params: question.params, request: ctx.req, wasNewBrowser }
  const asked = { ...about, proofs, requested, fresh }
  const steps = await stepsOf(
    core,
    { ...asked, ...timesOf(core, oidc, pending), isPostponed: () => isPostponed(ctx, accountId) },
    { account, client, ip: ctx.ip },
  )
  const met = gracesRunning(core, steps)
  const inForce = gracesInForce(core)
  await meetRules(core.deps, accountId, { met, inForce }, await core.record(ctx, accountId))
  const { decision } = steps
  const later = laterBy(steps)
  const answered = assertionOf(core.policy.levels, proofs)?.rank ?? 0
  const answering = { question, record, answered, results: resultsOf(oidc) }
  const isAsked = !isAnswered(decision) || later !== undefined
  const offer = isAsked ? NO_OFFER : await offerBefore(core, ctx, answering)
  const inTurn = { ...steps.inTurn, left: leftOf(steps, pending, resultsOf(oidc)[MFA_PROMPT]) }
  return {
    ...steps,
    inTurn,
    later,
    isShown,
    pending: pending !== undefined,
    account,
    change,
    offer,
  }
}

/** Whether a factor was shown in this authorization after the one of the login page. */
function isProvedBeside({ proofs, alone }: PendingFirstFactor): boolean {
  return proofs !== undefined && alone !== true
}

/**
 * Whether no page asks for a set-up that is not due yet: the person has put it off, or no page can come. In the device
 * flow the app is not in this browser.
 */
function isPostponed({ oidc }: KoaContextWithOIDC, accountId: string): boolean {
  return (
    isDeviceRoute(oidc) ||
    isPromptPending(oidc, 'none') ||
    isPostponedIn(resultsOf(oidc), accountId) ||
    isPostponedInSession(oidc.session, accountId)
  )
}

/** The proofs that count: of a pending first factor it alone, else those of the session. */
function proofsFor(
  core: Core,
  { oidc }: KoaContextWithOIDC,
  pending: PendingFirstFactor | undefined,
): readonly Proof[] {
  if (pending !== undefined)
    return pending.proofs ?? [firstProof(pending.amr, pending.ts, undefined, pending.upstream)]
  const isShown = resultsOf(oidc)[MFA_PROMPT] !== undefined
  return countingProofsOf(core, oidc, isShown ? requestTimes(core, oidc) : {})
}

/** The times of a request; a pending first factor was given for it. */
function timesOf(core: Core, oidc: OIDC, pending: PendingFirstFactor | undefined): RequestTimes {
  const times = requestTimes(core, oidc)
  if (pending === undefined) return times
  const { provedSince } = times
  const begunAt = begunWith(pending)
  return {
    begunAt,
    ...(provedSince === undefined ? {} : { provedSince: Math.min(provedSince, begunAt) }),
  }
}

/** Whether the request can be answered without another step of the policy. */
function isAnswered({ step }: Decision): boolean {
  return step === 'none' || step === 'enrol-later'
}

/**
 * The page before the answer that the policy allows. No page can come where the app asked for none, and in the device
 * flow the app is not in this browser.
 */
async function offerBefore(
  core: Core,
  ctx: KoaContextWithOIDC,
  answering: Omit<Answering, 'wishes'>,
): Promise<StepUpOffer> {
  const { oidc } = ctx
  if (isDeviceRoute(oidc) || isPromptPending(oidc, 'none')) return NO_OFFER
  if (missesWish(core.policy.levels, acrRequestOf(oidc), answering.answered)) missing.add(ctx)
  return offerIn(core, { ...answering, wishes: wishesIn(oidc.session) })
}

async function describe(core: Core, ctx: KoaContextWithOIDC): Promise<MfaDetails> {
  const decided = await decideFor(core, ctx)
  const { pending, account, offer, decision, inTurn } = decided
  const client = given(ctx.oidc.client, 'client')
  const question = { account, client, params: { ...ctx.oidc.params } }
  const { record } = await core.record(ctx, account.accountId)
  const enrolled = isEnrolled(record)
  const firstSignIn = isFirstSignIn(record)
  const { label, address, addresses, language, createdAt } = await core.describe(account)
  const look = lookOf(client)
  const rule = enrolled ? 'refused' : await core.firstEnrolmentRule({ ...question, firstSignIn })
  return {
    ...setUpOf(core, decided, { enrolled, createdAt }),
    label,
    ...(address === undefined ? {} : { address }),
    ...(addresses === undefined ? {} : { addresses }),
    ...(language === undefined ? {} : { language }),
    rule: ruleWithMailbox(core.deps, record, rule, address),
    firstSignIn,
    ...(decision.step === 'verify' && (decision.factors !== undefined || decided.isShown)
      ? { countingFactors: inTurn.left }
      : {}),
    ...(decision.step === 'verify' && decision.needsHardware === true
      ? { asksHardware: true as const }
      : {}),
    ...(inTurn.notEnough.length > 0 ? { notEnough: inTurn.notEnough } : {}),
    // The login page has found the offer to be due, and another tab has answered it meanwhile: it still stands here.
    ...(offer.offer !== 'none' || (pending && isWishMissed(ctx))
      ? { offer: { canSetUp: offer.canSetUp, repeated: offer.offer === 'repeated' } }
      : {}),
    client: {
      ...look,
      // The name alone proves nothing where clients register themselves, because any client could take it.
      ofIssuer: isNameOfService(core, client) && (await core.mayManage(client)),
    },
  }
}

function isNameOfService(core: Core, { clientName }: HostClient): boolean {
  return clientName === core.serviceName || clientName === core.issuerName
}
