import { MfaError } from '../domain/errors.ts'

/** A form that the host hands over as HTML. */
export interface HostForm {
  /** The address to which it is posted. */
  readonly action: string
  /** The token in it by which the host recognises its own form. */
  readonly xsrf: string
}

/** Reads the host's form to sign out or to enter the code of a device. Throws MfaError `host-unfit`. */
export function readHostForm(html: string): HostForm {
  const action = /<form\b[^>]*\saction="([^"]*)"/.exec(html)?.[1]
  const fields = [...html.matchAll(/<input\b[^>]*\sname="([^"]*)"[^>]*\svalue="([^"]*)"/g)]
  const xsrf = fields.find(([, name]) => name === 'xsrf')?.[2]
  if (action === undefined || xsrf === undefined)
    throw new MfaError(
      'host-unfit',
      `The form of the host has no ${action === undefined ? 'action' : 'field named xsrf'}: this version of oidc-provider makes its forms in another way`,
    )
  return { action, xsrf }
}

/** The reason why the host shows its page for the code of a device again. */
export type UserCodeProblem = 'missing' | 'expired' | 'used' | 'aborted' | 'unknown'

export function userCodeProblem({ name }: Error): UserCodeProblem {
  switch (name) {
    case 'NoCodeError':
      return 'missing'
    case 'ExpiredError':
      return 'expired'
    case 'AlreadyUsedError':
      return 'used'
    case 'AbortedError':
      return 'aborted'
    default:
      return 'unknown'
  }
}

/** Whether the host has added the hash of a script of its own to a content security policy: its page posts a form. */
export function postsItself(policy: string): boolean {
  return policy.includes("'sha256-")
}
