import type { TimeStep } from './window.ts'

/** The steps of an authenticator that are spent. */
export type Spent = {
  /** The latest step that was accepted. It and all before it are spent (RFC 6238 5.2). */
  readonly lastTimeStep: TimeStep
  /**
   * The accepted steps one by one, for a clock that is set back: `floor` and every step before it are spent, and of the
   * steps after it those in `steps`, ascending. Absent: `lastTimeStep` is the floor.
   */
  readonly spent?: { readonly floor: TimeStep; readonly steps: readonly TimeStep[] }
}

/** The accepted steps that are remembered one by one. A state grows by no more than these. */
const MOST_STEPS = 20

/** The state of an authenticator of which no step was accepted before this one. */
export function firstSpent(timeStep: TimeStep): Required<Spent> {
  return { lastTimeStep: timeStep, spent: { floor: 0, steps: [timeStep] } }
}

/**
 * Whether the clock was set back since the last accepted step: it is later than every step that can be accepted now. For
 * the length of the jump each new code would count as spent.
 */
export function isSetBack({ lastTimeStep }: Spent, latestInWindow: TimeStep): boolean {
  return lastTimeStep > latestInWindow
}

/**
 * Whether a step may be accepted (R5). `setBack`: the clock was set back, so that the steps before the last one count
 * one by one. A step that was ever accepted is never accepted again.
 */
export function isUnspent(state: Spent, timeStep: TimeStep, setBack: boolean): boolean {
  if (timeStep > state.lastTimeStep) return true
  const { floor, steps } = spentOf(state)
  return setBack && timeStep > floor && !steps.includes(timeStep)
}

/** Spends a step. Beyond the remembered ones the earliest become the floor. */
export function spend(state: Spent, timeStep: TimeStep): Required<Spent> {
  const { floor, steps } = spentOf(state)
  const all = [...steps, timeStep].sort((one, other) => one - other)
  return {
    lastTimeStep: Math.max(state.lastTimeStep, timeStep),
    spent: { floor: Math.max(floor, all.at(-MOST_STEPS - 1) ?? 0), steps: all.slice(-MOST_STEPS) },
  }
}

/** Reads the stored member. Undefined: it is not one of ours. */
export function parseSpent(stored: unknown): NonNullable<Spent['spent']> | undefined {
  const { floor, steps } = Object(stored) as { readonly floor?: unknown; readonly steps?: unknown }
  if (!isTimeStep(floor) || !Array.isArray(steps) || !steps.every(isTimeStep)) return undefined
  return { floor, steps }
}

export function isTimeStep(value: unknown): value is TimeStep {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function spentOf({ lastTimeStep, spent }: Spent): NonNullable<Spent['spent']> {
  return spent ?? { floor: lastTimeStep, steps: [] }
}
