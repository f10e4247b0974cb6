import { userInfo } from 'node:os'
import { Refusal, type Options } from './terminal.ts'

/** A name of 1 to 128 characters that shows as it is: no control character, no mark of direction, no line end. */
const NAME = /^[^\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]{1,128}$/u

/** The name of an operator whose user the system does not know, such as that of a container. */
const UNKNOWN = 'unknown'

/**
 * The operator that the audit trail names: `--actor`, or the user of the system. Throws Refusal `actor` for a name that
 * cannot stand in the trail.
 */
export function actorOf({ actor }: Options, userOfSystem = nameOfUser): string {
  if (typeof actor !== 'string') return userOfSystem()
  return readActor(actor)
}

/** Throws Refusal `actor`. */
function readActor(typed: string): string {
  const name = typed.trim()
  if (NAME.test(name)) return name
  throw new Refusal(
    'actor',
    '--actor takes a name of 1 to 128 characters without control characters.',
  )
}

function nameOfUser(): string {
  return fittingName(() => userInfo().username)
}

/** The name that the system answers, or `unknown` if it has none or an unfit one. */
export function fittingName(ask: () => string): string {
  try {
    const name = ask()
    return NAME.test(name) ? name : UNKNOWN
  } catch {
    // The system has no entry for the number of the user.
    return UNKNOWN
  }
}
