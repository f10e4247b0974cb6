import { MfaError } from '../domain/errors.ts'
import type { SecretBox } from '../ports/services.ts'

/** The part of the secret box that a token needs. */
export type Macs = Pick<SecretBox, 'mac' | 'verifyMac'>

/** For what a form may be posted: one page's purpose within one interaction, or within one console session. */
export interface FormBinding {
  /** The interaction's uid, or the session's: what the browser proves by a cookie besides. */
  readonly boundTo: string
  /** The form's own: a token of the cancel button must not confirm a factor. */
  readonly purpose: string
}

const MAC_PURPOSE = 'csrf'

/**
 * The value of a form's `csrf` field (R30). It is an HMAC, so nothing is stored and any node can check it; an
 * attacker cannot make one for a victim's interaction, and a token of his own interaction fits no other.
 */
export function csrfToken(macs: Macs, binding: FormBinding): string {
  return macs.mac(MAC_PURPOSE, messageOf(binding))
}

/** Throws MfaError `form-forged` (403) unless the token was made for this binding. Compares in constant time. */
export function checkCsrf(macs: Macs, binding: FormBinding, token: string | undefined): void {
  if (token === undefined || token === '')
    throw forged(`The form has no csrf field, or an empty one (${binding.purpose}).`)
  if (!macs.verifyMac(MAC_PURPOSE, messageOf(binding), token))
    throw forged(
      `The form's csrf field was made for another form or sign-in, or with another key (${binding.purpose}).`,
    )
}

/** Unambiguous: with plain joining, (`a:b`, `c`) and (`a`, `b:c`) would share a token. */
function messageOf(binding: FormBinding): string {
  return JSON.stringify([binding.boundTo, binding.purpose])
}

function forged(why: string): MfaError {
  return new MfaError('form-forged', why, { status: 403 })
}
