import { MfaError } from '../domain/errors.ts'
import type { SecretBox } from '../ports/services.ts'

/** The part of the secret box that a token needs. */
export type Macs = Pick<SecretBox, 'mac' | 'verifyMac'>

/** The binding of a form: the purpose of one page within one interaction, or within one console session. */
export interface FormBinding {
  /** The uid of the interaction or the id of the session; the browser proves it with a cookie as well. */
  readonly boundTo: string
  /** The purpose of the form: a token of the cancel button must not confirm a factor. */
  readonly purpose: string
}

const MAC_PURPOSE = 'csrf'

/**
 * The value of a form's `csrf` field (R30). It is an HMAC, so nothing is stored and any node can check it; an attacker
 * cannot make one for a victim's interaction, and a token of the attacker's interaction is valid in no other.
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
