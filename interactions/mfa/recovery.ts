import { maskAddress } from '../../src/domain/masked-address.ts'
import {
  cancelRecovery,
  checkRecoveryCode,
  purposeOf,
  sendRecoveryCode,
  stepOfRecovery,
  type RecoveryGround,
} from '../../src/application/recover.ts'
import { challengeIn } from '../../src/domain/enrolment.ts'
import type { AcceptedAttempt } from '../../src/domain/mfa-record.ts'
import { mayBindReplacement, recoveryState, type RecoveryStep } from '../../src/domain/recovery.ts'
import type { Form } from '../../src/factors/factor.ts'
import type { OwnerCodeError, PageModels } from '../../src/http/pages.ts'
import { writeFirstFactorAgain } from '../result.ts'
import { deliveryModel, pressed, type Pressed } from './delivery.ts'
import { choices } from './choice.ts'
import * as enrolment from './enrolment.ts'
import { goOn, nextNotice } from './notices.ts'
import { RECOVERY_NOTICE } from './recovery-notice.ts'
import {
  expired,
  knownFactor,
  passedOrNot,
  pathOf,
  redirect,
  show,
  tokenFor,
  type Visit,
} from './visit.ts'

/**
 * The way back in for a person who has given the password and has no factor any more (R9): page `recovery` explains, a
 * mailed code begins the wait, `recovery-status` tells of it, and after it another mailed code leads to the set-up of a
 * replacement. A person who signs in with a factor meanwhile is asked whether it was them.
 */

export async function showRecovery(visit: Visit): Promise<void> {
  const step = stepOf(visit)
  const common = { csrf: tokenFor(visit), backHref: backOf(visit) }
  switch (step.step) {
    case 'wait':
      return show(visit, 'recovery-status', { ...common, until: step.until, state: 'waiting' })
    case 'bind':
      if (isProved(visit)) return redirect(visit, pathOf(visit, 'recovery', 'bind'))
      return show(visit, 'recovery-bind', {
        ...common,
        action: pathOf(visit, 'recovery'),
        addresses: masked(step),
      })
    case 'start': {
      const { waitSeconds, bindSeconds } = visit.core.deps.recovery
      return show(visit, 'recovery', {
        ...common,
        action: pathOf(visit, 'recovery'),
        addresses: masked(step),
        waitSeconds,
        bindSeconds,
      })
    }
    case 'refused':
      return showRefused(visit, step)
  }
}

async function showRefused(
  visit: Visit,
  { reason, until }: Extract<RecoveryStep, { step: 'refused' }>,
): Promise<void> {
  // In a session the password was not typed now, and a stolen session must not be enough.
  const again = reason === 'no-password' && visit.stepUp
  await show(
    visit,
    'recovery',
    {
      csrf: tokenFor(visit),
      backHref: backOf(visit),
      addresses: [],
      refused: again ? 'sign-in-again' : reason,
      ...(again ? { action: pathOf(visit, 'recovery', 'again') } : {}),
      ...(until === undefined ? {} : { until }),
    },
    again ? 200 : 403,
  )
}

/** Asks for the password again, in a sign-in that began with a session. */
export async function signInAgain(visit: Visit): Promise<void> {
  redirect(visit, await writeFirstFactorAgain(visit.core, visit.interaction))
}

/** Sends the code and leads to the page that asks for it. Answers the button that sends another one on that page. */
export async function send(visit: Visit, form: Form): Promise<void> {
  const { core, place, details, locale } = visit
  const before = sentIn(visit, stepOf(visit))
  const outcome = await sendRecoveryCode(core.deps, place, groundOf(visit), {
    which: Number(form.address ?? 0),
    app: details.client.name,
    locale,
  })
  if (outcome === 'stale') return redirect(visit, pathOf(visit, 'recovery'))
  // The page itself says that the first code was sent; only a later code needs a notice.
  if (outcome === 'sent' && before === undefined)
    return redirect(visit, pathOf(visit, 'recovery', 'proof'))
  const press = pressed(outcome)
  return showProof(await renewed(visit), { status: press.status, press })
}

interface Again {
  readonly status: number
  readonly error?: OwnerCodeError
  readonly press?: Pressed
  /** Seconds after which a code is examined again. */
  readonly closedSeconds?: number
}

export async function showProof(visit: Visit, again?: Again): Promise<void> {
  const step = stepOf(visit)
  if (!('addresses' in step) || isProved(visit)) return redirect(visit, pathOf(visit, 'recovery'))
  const { csrf, action } = formOf(visit, 'recovery', 'proof')
  await show(
    visit,
    'recovery-proof',
    {
      csrf,
      action,
      backHref: backOf(visit),
      delivery: deliveryModel(visit, {
        record: visit.seen.record,
        sendAction: pathOf(visit, 'recovery', 'proof', 'send'),
        sentTo: sentIn(visit, step),
        press: again?.press,
      }),
      ...(again?.error === undefined ? {} : { error: again.error }),
      ...(again?.closedSeconds === undefined ? {} : { closedSeconds: again.closedSeconds }),
    },
    again?.status,
  )
}

export async function checkProof(visit: Visit, form: Form): Promise<void> {
  const { core, place } = visit
  const outcome = await checkRecoveryCode(core.deps, place, groundOf(visit), form.code)
  switch (outcome.outcome) {
    case 'started':
    case 'stale':
      return redirect(visit, pathOf(visit, 'recovery'))
    case 'proved':
      return redirect(visit, pathOf(visit, 'recovery', 'bind'))
    case 'unreadable':
      return showProof(visit, { error: { code: 'unreadable' }, status: 400 })
    case 'refused':
      return showProof(visit, { error: { code: 'refused' }, status: 422 })
    case 'over':
      return showProof(await renewed(visit), { error: { code: 'over' }, status: 410 })
    case 'closed': {
      const closedSeconds = Math.max(1, outcome.until - core.deps.clock.now())
      visit.ctx.set('Retry-After', String(closedSeconds))
      return showProof(visit, { error: { code: 'refused' }, closedSeconds, status: 429 })
    }
  }
}

/** Shows the choice of a replacement. One factor is no choice: its set-up begins at once. */
export async function showBinding(visit: Visit): Promise<void> {
  if (!isProved(visit)) return redirect(visit, pathOf(visit, 'recovery'))
  const methods = choices(visit)
  const [only, another] = methods
  if (another === undefined && only !== undefined && only.sends !== true)
    return enrolment.begin(visit, knownFactor(visit.core, only.factor))
  await show(visit, 'recovery-bind', {
    csrf: tokenFor(visit),
    backHref: backOf(visit),
    action: pathOf(visit, 'recovery', 'bind'),
    addresses: [],
    methods,
  })
}

export async function bind(visit: Visit, form: Form): Promise<void> {
  if (!isProved(visit)) return redirect(visit, pathOf(visit, 'recovery'))
  return enrolment.begin(visit, knownFactor(visit.core, form.factor))
}

/** Answers that question. Only the button that says so cancels. */
export async function answerNotice(
  visit: Visit,
  accepted: AcceptedAttempt,
  form: Form,
): Promise<void> {
  if (form.do !== 'cancel-recovery') return goOn(visit, accepted, RECOVERY_NOTICE)
  await cancelRecovery(visit.core.deps, visit.place)
  redirect(visit, pathOf(visit, 'recovery-cancelled'))
}

export async function showCancelled(visit: Visit, accepted: AcceptedAttempt): Promise<void> {
  // Another recovery has begun since, or none was cancelled: then the page would say what is not true.
  const now = visit.core.deps.clock.now()
  if (recoveryState(visit.seen.record, now).state !== 'none') return goOn(visit, accepted)
  await show(visit, 'recovery-cancelled', formOf(visit, 'recovery-cancelled'))
}

/** Where the person came from: the form that asks for a factor, or the page after a backup code. */
function backOf(visit: Visit): string {
  const accepted = passedOrNot(visit)
  const notice = accepted && nextNotice(visit, accepted, RECOVERY_NOTICE)
  return notice === undefined ? pathOf(visit) : pathOf(visit, notice.page)
}

function stepOf(visit: Visit): RecoveryStep {
  const { core, place, seen } = visit
  if (!core.recovers) throw expired('People do not recover by themselves here')
  if (seen.record.epoch !== place.epoch) throw expired('The account changed during the sign-in')
  const now = core.deps.clock.now()
  return stepOfRecovery(core.deps, place, groundOf(visit), { record: seen.record, now })
}

function groundOf({ details, subject, stepUp }: Visit): RecoveryGround {
  const { address, addresses = address === undefined ? [] : [{ address }] } = details
  return { addresses, hasPassword: !stepUp && subject.amr.includes('pwd') }
}

function isProved({ core, place, seen }: Visit): boolean {
  return mayBindReplacement(seen.record, place.interaction, core.deps.clock.now())
}

/** Where the code of this sign-in was sent; undefined: none is open. */
function sentIn({ core, place, seen }: Visit, step: RecoveryStep): string | undefined {
  const purpose = purposeOf(step)
  if (purpose === undefined) return undefined
  return challengeIn(seen.record, place.interaction, purpose, core.deps.clock.now())?.sentTo
}

function masked(step: RecoveryStep): PageModels['recovery']['addresses'] {
  const addresses = 'addresses' in step ? step.addresses : []
  return addresses.map(({ address }) => maskAddress(address))
}

function formOf(visit: Visit, ...steps: readonly string[]): { csrf: string; action: string } {
  return { csrf: tokenFor(visit), action: pathOf(visit, ...steps) }
}

/** The visit with the record as it is after this request's own change. */
async function renewed(visit: Visit): Promise<Visit> {
  return { ...visit, seen: await visit.core.record(undefined, visit.place.accountId) }
}
