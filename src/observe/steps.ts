import type { SignInStep, ToldEvent } from '../ports/measures.ts'

type Read = (detail: ToldEvent['detail']) => SignInStep

/** Codes of these purposes are examined like those of a factor, under these names. */
const STEP_OF_CODE: Readonly<Record<string, SignInStep['step']>> = {
  'owner-proof': 'enrolment',
  recovery: 'recovery',
}

const stepOfCode = ({ factor, reason }: ToldEvent['detail']): SignInStep['step'] =>
  reason === 'wrong-confirmation' ? 'enrolment' : (STEP_OF_CODE[factor ?? ''] ?? 'factor')

/** By type of event. The password's events are those of the complete server. */
const STEPS: ReadonlyMap<string, Read> = new Map(
  Object.entries<Read>({
    'password-accepted': () => ({ step: 'password', outcome: 'accepted' }),
    'password-refused': ({ reason }) => ({ step: 'password', outcome: 'refused', reason }),
    'factor-accepted': ({ factor }) => ({ step: 'factor', factor, outcome: 'accepted' }),
    'factor-refused': (detail) => ({
      step: stepOfCode(detail),
      factor: detail.factor,
      outcome: 'refused',
      reason: detail.reason === 'wrong-confirmation' ? 'wrong' : detail.reason,
    }),
    'refused-while-locked': (detail) => ({
      step: stepOfCode(detail),
      factor: detail.factor,
      outcome: 'refused',
      reason: 'locked',
    }),
    'enrolment-refused': ({ factor, reason }) => ({
      step: 'enrolment',
      factor,
      outcome: 'refused',
      reason,
    }),
    'owner-proved': () => ({ step: 'enrolment', outcome: 'accepted', reason: 'owner-proved' }),
    'factor-enrolled': ({ factor }) => ({ step: 'enrolment', factor, outcome: 'accepted' }),
    'factor-replaced': ({ factor }) => ({ step: 'enrolment', factor, outcome: 'accepted' }),
    'recovery-started': () => ({ step: 'recovery', outcome: 'accepted', reason: 'started' }),
    'recovery-refused': () => ({ step: 'recovery', outcome: 'refused', reason: 'wrong' }),
    'recovery-completed': ({ factor }) => ({
      step: 'recovery',
      factor,
      outcome: 'accepted',
      reason: 'completed',
    }),
  }),
)

/** The step of a sign-in whose outcome an event tells. Undefined: the event tells of something else. */
export function stepOf({ type, detail }: ToldEvent): SignInStep | undefined {
  return STEPS.get(type)?.(detail)
}

/** Every reason that a step may have. Another text becomes `other`, so that the number of series stays small. */
export const REASONS: ReadonlySet<string> = new Set([
  'wrong',
  'late',
  'replayed',
  'throttled',
  'locked',
  'unknown',
  'disabled',
  'no-password',
  'name-limit',
  'no-proof',
  'no-address',
  'owner-proved',
  'started',
  'completed',
  'record-contended',
  'storage-unavailable',
  'storage-refused',
  'hashing-overloaded',
  'error',
])
