import { maskAddress } from '../../src/domain/masked-address.ts'
import { checkOwnerCode, OWNER_PROOF, sendOwnerCode } from '../../src/application/prove-owner.ts'
import { challengeIn } from '../../src/domain/enrolment.ts'
import type { Form } from '../../src/factors/factor.ts'
import type { OwnerCodeError } from '../../src/http/pages.ts'
import { deliveryModel, pressed, type Pressed } from './delivery.ts'
import { refuse, stepOf } from './enrolment.ts'
import { showClosed } from './locked.ts'
import { expired, pathOf, redirect, show, tokenFor, type Visit } from './visit.ts'

/** The pages of the proof that a first enrolment asks for: a code that is mailed to the owner (R10). */

/** The reason why the page is shown again after a POST. */
interface Again {
  readonly status: number
  readonly error?: OwnerCodeError
  readonly press?: Pressed
}

export async function showProof(visit: Visit, again?: Again): Promise<void> {
  const { core, details, place, seen } = visit
  if (stepOf(visit) !== 'prove') return redirect(visit, pathOf(visit))
  if (details.address === undefined) return refuse(visit, 'no-address')
  const now = core.deps.clock.now()
  const sent = challengeIn(seen.record, place.interaction, OWNER_PROOF, now)
  await show(
    visit,
    'owner-proof',
    {
      csrf: tokenFor(visit),
      address: maskAddress(details.address),
      delivery: deliveryModel(visit, {
        record: seen.record,
        sendAction: pathOf(visit, 'proof', 'send'),
        sentTo: sent?.sentTo,
        press: again?.press,
      }),
      action: pathOf(visit, 'proof'),
      cancelAction: pathOf(visit, 'cancel'),
      ...(again?.error === undefined ? {} : { error: again.error }),
    },
    again?.status,
  )
}

export async function sendProof(visit: Visit): Promise<void> {
  const { core, details, place } = visit
  if (stepOf(visit) !== 'prove' || details.address === undefined)
    throw expired('This sign-in asks for no mailed code')
  const sent = await sendOwnerCode(core.deps, place, {
    address: details.address,
    app: details.client.name,
    locale: visit.locale,
  })
  if (sent === 'stale') throw expired('The account changed during the sign-in')
  const now = core.deps.clock.now()
  const before = challengeIn(visit.seen.record, place.interaction, OWNER_PROOF, now)
  // The page itself says that the first code was sent; only a later code needs a notice.
  if (sent === 'sent' && before === undefined) return redirect(visit, pathOf(visit, 'proof'))
  const seen = await core.record(undefined, place.accountId)
  const press = pressed(sent)
  return showProof({ ...visit, seen }, { status: press.status, press })
}

export async function checkProof(visit: Visit, form: Form): Promise<void> {
  const { core, place } = visit
  if (stepOf(visit) !== 'prove') return redirect(visit, pathOf(visit))
  const outcome = await checkOwnerCode(core.deps, place, form.code)
  switch (outcome.outcome) {
    case 'proved':
      return redirect(visit, pathOf(visit))
    case 'unreadable':
      return showProof(visit, { error: { code: 'unreadable' }, status: 400 })
    case 'refused':
      return showProof(visit, { error: { code: 'refused' }, status: 422 })
    case 'closed':
      return showClosed(visit, outcome.gate, { retryHref: pathOf(visit, 'proof') })
    case 'stale':
      return showWithoutCode(visit)
  }
}

/**
 * No code of this sign-in is open: its ten minutes are over, or the code was mailed for another sign-in. The page says
 * so and has the button for a new one.
 */
async function showWithoutCode(visit: Visit): Promise<void> {
  const { core, place } = visit
  const seen = await core.record(undefined, place.accountId)
  if (seen.record.epoch !== place.epoch) throw expired('The account changed during the sign-in')
  return showProof({ ...visit, seen }, { error: { code: 'over' }, status: 410 })
}
