import { isReplaceable } from '../../src/application/change-factors.ts'
import { usableStates } from '../../src/application/owned-states.ts'
import type { MfaRecord } from '../../src/domain/mfa-record.ts'
import type { Instant } from '../../src/domain/time.ts'
import { manageUrlOf, replaceUrlOf, type Core } from '../core.ts'
import type { Notice, Noticed, NoticeForm } from '../notice.ts'

/** A person who has this many look-up secrets left, or fewer, is told so right after using one. */
const LOW_REMAINING = 3

/** Tells a person who has just used one of their last look-up secrets. */
export function lowCodes(core: Core): Notice<'backup-codes-low'> {
  return {
    page: 'backup-codes-low',
    model(noticed, form) {
      const { remaining } = noticed.accepted
      if (remaining === undefined || remaining > LOW_REMAINING) return undefined
      const manageHref = manageUrlOf(core)
      return {
        ...formOf(form),
        remaining,
        ...(manageHref === undefined ? {} : { manageHref }),
        ...replaceLink(core, noticed, form),
      }
    },
  }
}

/**
 * Offers a person who has just used a look-up secret to replace the device that they probably do not have any more. Left
 * out where they cannot replace it.
 */
export function usedCode(core: Core): Notice<'backup-code-used'> {
  return {
    page: 'backup-code-used',
    model(noticed, form) {
      const { remaining } = noticed.accepted
      if (remaining === undefined || remaining <= LOW_REMAINING) return undefined
      const { replaceHref } = replaceLink(core, noticed, form)
      return replaceHref === undefined ? undefined : { ...formOf(form), remaining, replaceHref }
    },
  }
}

function formOf({ csrf, action }: NoticeForm): { csrf: string; action: string } {
  return { csrf, action }
}

/**
 * Where a lost device is replaced. The replacement asks for a factor of its own, because this sign-in's proof was made
 * for no change (R11). If nothing is left that could be that proof, the person needs recovery. Empty in a sign-in that
 * makes a change already.
 */
function replaceLink(
  core: Core,
  { record, isChange, now }: Noticed,
  { lostHref }: NoticeForm,
): { replaceHref?: string } {
  const replaceable = record.authenticators.filter(({ id }) => isReplaceable(core.deps, record, id))
  const [lost, another] = replaceable
  if (isChange || lost === undefined) return {}
  const only = another === undefined ? lost.id : undefined
  const canProve = only === undefined || canProveWithout(core, record, only, now)
  const replaceHref = canProve ? replaceUrlOf(core, only) : lostHref
  return replaceHref === undefined ? {} : { replaceHref }
}

/** Whether the person can prove a factor without this authenticator. Look-up secrets may all be used. */
function canProveWithout(
  { deps }: Core,
  record: MfaRecord,
  authenticatorId: string,
  now: Instant,
): boolean {
  return [...deps.factors.values()].some((factor) =>
    usableStates(deps, record, factor, now)
      .filter((owned) => owned.authenticatorId !== authenticatorId)
      .some(({ state }) => (factor.remaining?.(factor.parseState(state)) ?? 1) > 0),
  )
}
