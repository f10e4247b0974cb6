import { errors, interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider'
import { isEnrolled } from '../../src/domain/enrolment.ts'
import { isProvedByPassword } from '../../src/domain/factor-change.ts'
import { PENDING_SECONDS } from '../../src/domain/first-factor.ts'
import type { MfaRecord } from '../../src/domain/mfa-record.ts'
import { isMeetable } from '../../src/domain/policy/target.ts'
import { enrollableOf } from '../../src/application/policy-person.ts'
import { FIRST_EPOCH, isLive } from '../../src/domain/session.ts'
import { MfaError } from '../../src/domain/errors.ts'
import { isDeviceRoute, isPromptPending, type OIDC } from '../../src/host/context.ts'
import { deviceAsksForLogin, recallHint } from '../../src/host/device.ts'
import { given } from '../../src/host/given.ts'
import { withPendingSubject } from '../../src/host/pending-view.ts'
import { promptSeeing, removeAcrChecks } from '../../src/host/prompt.ts'
import { epochIn, signInTimeOf } from '../../src/host/session.ts'
import { misconfigured, type Core } from '../core.ts'
import { decideFor, MFA_PROMPT } from '../mfa/prompt.ts'
import { tellDecision } from '../tell-decision.ts'
import {
  acrRequestOf,
  changeIn,
  pendingAccount,
  pendingOf,
  resultsOf,
  unknownAccount,
} from '../request.ts'

const { Check } = interactionPolicy
type Prompt = InstanceType<typeof interactionPolicy.Prompt>

/**
 * A prompt of the host, up to and including `login`, that sees a pending first factor where there is one. The session
 * has no account before the last factor is proved, so the host's checks would ask for the password twice.
 */
export function seePendingSubject(core: Core, prompt: Prompt): Prompt {
  return promptSeeing(prompt, (ctx) => viewOf(core, ctx))
}

/** The login prompt: the host's checks on the pending subject, without those that the mfa prompt answers. */
export function loginPrompt(core: Core, prompt: Prompt): Prompt {
  const wrapped = seePendingSubject(core, prompt)
  // The checks of acr would ask for the password for ever, since only a later prompt can raise the level.
  removeAcrChecks(wrapped)
  wrapped.checks.add(
    new Check('subject_current', 'End-User authentication is required', 'login_required', (ctx) =>
      needsFirstFactor(core, ctx),
    ),
    0,
  )
  return wrapped
}

/**
 * Whether the pending first factor or the session no longer counts, so that the first factor has to be shown again.
 * This check runs before every other one, in every authorization. Throws `unmet_authentication_requirements` before a
 * password is typed for an acr that nobody can reach, and MfaError `not-attached`.
 */
async function needsFirstFactor(core: Core, ctx: KoaContextWithOIDC): Promise<boolean> {
  core.taken.policy.add(ctx)
  const { oidc } = ctx
  if (core.provider !== oidc.provider)
    throw misconfigured(
      ctx,
      new MfaError(
        'not-attached',
        'The configuration was made by mfa.configure(), but mfa.attach(provider) was not called: call it right after `new Provider(...)`',
      ),
    )
  if (!isMeetable(core.policy.levels, enrollableOf(core.deps), acrRequestOf(oidc))) {
    await tellUnmeetable(core, ctx)
    throw new errors.UnmetAuthenticationRequirements('none of the requested ACRs can be obtained')
  }

  const { present, pending } = await pendingOf(core, ctx)
  if (present) {
    if (pending === undefined) return true
    if ((await pendingAccount(core, ctx, pending)) !== undefined) return false
    // The person is asked again, for ever if nothing changes, so the developer has to hear the reason.
    core.deps.report(unknownAccount())
    return true
  }
  const session = given(oidc.session, 'session')
  if (session.accountId === undefined) return false
  // The account was deleted or disabled since: the host would fail on it, and answer `prompt=none` with a 500.
  if (oidc.account === undefined) return true
  const { record } = await core.record(ctx, session.accountId)
  const state = stateOf(session)
  const now = core.deps.clock.now()
  if (!isLive(state, record.epoch, core.sessionSeconds, now)) return true
  if (await isNewLoginAsked(core, ctx)) return true
  if (isPasswordAsked(record, oidc)) return true
  const { decision, shadow } = await decideFor(core, ctx)
  const { accountId } = session
  const isSilent = isPromptPending(oidc, 'none')
  if (decision.step === 'login') {
    refuseEarlier(oidc)
    if (isSilent) tellDecision(core, ctx, { accountId, decision, shadow })
    return true
  }
  // A first authenticator is set up only by a person who has signed in no longer ago than a pending first factor stays
  // valid (R10). With a stolen session an attacker could else add a factor of their own and lock the owner out. With
  // `prompt=none` no page comes: the mfa prompt refuses, because it is the factor that is missing.
  const isFirst = decision.step === 'enrol' && !isEnrolled(record)
  return isFirst && !isSilent && !isLive(state, record.epoch, PENDING_SECONDS, now)
}

function stateOf(session: NonNullable<OIDC['session']>): Parameters<typeof isLive>[0] {
  return { epoch: epochIn(session) ?? FIRST_EPOCH, signedInAt: signInTimeOf(session) }
}

/** Tells the audit trail of an acr that nobody can reach, if a person is signed in: the event belongs to an account. */
async function tellUnmeetable(core: Core, ctx: KoaContextWithOIDC): Promise<void> {
  const { account, session } = ctx.oidc
  if (account === undefined || session?.accountId === undefined) return
  const { present } = await pendingOf(core, ctx)
  if (present) return
  const { accountId } = session
  const { record } = await core.record(ctx, accountId)
  if (!isLive(stateOf(session), record.epoch, core.sessionSeconds, core.deps.clock.now())) return
  const { decision, shadow } = await decideFor(core, ctx)
  tellDecision(core, ctx, { accountId, decision, shadow, isRefused: true })
}

/** Throws `login_required` where the login page has answered already, with a first factor of an earlier time. */
function refuseEarlier(oidc: OIDC): void {
  const { isEarlier } = (resultsOf(oidc)[MFA_PROMPT] ?? {}) as { isEarlier?: unknown }
  if (isEarlier === true) throw new errors.LoginRequired('the first factor was shown too long ago')
}

/**
 * Whether the first factor has to be shown again in the device flow: where the device asks for a new login, and where
 * no second factor will be shown. The session of a browser alone must not sign in a device (R17). In this flow the host
 * reads neither `prompt=login` nor `max_age=0`.
 */
async function isNewLoginAsked(core: Core, ctx: KoaContextWithOIDC): Promise<boolean> {
  const { oidc } = ctx
  if (!isDeviceRoute(oidc) || resultsOf(oidc).login !== undefined) return false
  if (deviceAsksForLogin(oidc)) return true
  const { decision } = await decideFor(core, ctx)
  return decision.step === 'none' && resultsOf(oidc)[MFA_PROMPT] === undefined
}

/** Whether the fresh password is the proof that a page asks for, and it was not typed for this request (R11). */
function isPasswordAsked(record: MfaRecord, oidc: OIDC): boolean {
  return isProvedByPassword(record, changeIn(oidc.params)) && resultsOf(oidc).login === undefined
}

async function viewOf(core: Core, ctx: KoaContextWithOIDC): Promise<KoaContextWithOIDC> {
  core.taken.policy.add(ctx)
  // The host calls all checks of a prompt at once, so each of them waits for the hint.
  await recallHint(ctx.oidc)
  const { pending } = await pendingOf(core, ctx)
  if (pending === undefined) return ctx
  const account = await pendingAccount(core, ctx, pending)
  return withPendingSubject(ctx, pending, { account, now: core.deps.clock.now() })
}
