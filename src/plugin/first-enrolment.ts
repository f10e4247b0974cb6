import type { PolicyQuestion } from '../../interactions/core.ts'
import type { FirstEnrolmentRule } from '../domain/enrolment.ts'

/** A mail that is ready to go. */
export interface OutgoingMail {
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly html: string
}

export type SendMail = (mail: OutgoingMail) => Promise<unknown>

/**
 * The argument of an application's own rule. `firstSignIn`: the account has never completed a sign-in or an enrolment.
 */
export type FirstEnrolmentQuestion = PolicyQuestion & { readonly firstSignIn: boolean }
export type FirstEnrolmentFunction = (
  question: FirstEnrolmentQuestion,
) => FirstEnrolmentRule | Promise<FirstEnrolmentRule>

export interface MailedCode {
  readonly kind: 'mailed-code'
  readonly send: SendMail
  readonly rule: FirstEnrolmentFunction
}

/**
 * The proof on which a person who has no second factor yet may set one up (R10): by then an attacker may know the
 * password. `'password'` is the weaker choice, which has to be named and is audited.
 */
export type FirstEnrolment = 'password' | MailedCode | FirstEnrolmentFunction

/**
 * A code mailed to the address that the account has verified. `send` hands a mail over and rejects when it could
 * not. `rule`, if given, decides per account: `allowed` where the application has another proof,
 * `refused` where the mailbox proves nothing (it was used to reset this password).
 */
export function mailedCode(
  send: SendMail,
  rule: FirstEnrolmentFunction = () => 'mailed-code',
): MailedCode {
  return { kind: 'mailed-code', send, rule }
}
