/** The steps of a sign-in that have an outcome of their own. */
export type StepName = 'password' | 'factor' | 'enrolment' | 'recovery' | 'sign-in'

/**
 * `accepted` and `refused` are answers. `failed`: there was no answer, because the storage or the queue of hashes was
 * not able to give one.
 */
export type StepOutcome = 'accepted' | 'refused' | 'failed'

/**
 * One outcome of a step. Each member has few values, which the code sets: none holds a name, an address, a client or
 * a text that somebody has sent.
 */
export interface SignInStep {
  readonly step: StepName
  /** The id of the factor. Absent: the step has none. */
  readonly factor?: string | undefined
  readonly outcome: StepOutcome
  /** Absent: the outcome needs none. */
  readonly reason?: string | undefined
}

/** The parts of an event that say which step it was. */
export interface ToldEvent {
  readonly type: string
  readonly detail: { readonly factor?: string | undefined; readonly reason?: string | undefined }
}

/** Whether a save that was lost, because another one came first, was tried again; otherwise its 2 s were over. */
export type ConflictOutcome = 'retried' | 'gave-up'

/** Whether a hash got a place, or was refused because too many wait. */
export type HashWait = 'begun' | 'refused'

export interface HashQueue {
  readonly running: number
  readonly waiting: number
}

/** Takes what the operations count and time. No answer depends on it, and it never throws. */
export interface Measures {
  /** False: nothing is collected, and callers may spare themselves the work of a measurement. */
  readonly collects: boolean
  step(step: SignInStep): void
  /** An event of a decision that is saved, or of an attempt that was refused unexamined: it may be the outcome of a step. */
  told(event: ToldEvent): void
  conflict(outcome: ConflictOutcome): void
  /** A call of the storage. `operation`: port and method, such as `records.save`. `error`: the code of what it threw. */
  stored(operation: string, seconds: number, error?: string): void
  /** How long a hash has waited for its place, and whether it got one. */
  hashWaited(seconds: number, outcome: HashWait): void
  /** Reads the queue of hashes whenever the measurements are collected. */
  watchHashes(read: () => HashQueue): void
  /** Runs the work as a part of a trace. Answers and throws what it does. */
  span<T>(
    name: string,
    attributes: Readonly<Record<string, string | undefined>>,
    work: () => Promise<T>,
  ): Promise<T>
}

/** Takes nothing, for callers without an application around them. */
export const NO_MEASURES: Measures = {
  collects: false,
  step: () => undefined,
  told: () => undefined,
  conflict: () => undefined,
  stored: () => undefined,
  hashWaited: () => undefined,
  watchHashes: () => undefined,
  span: (_name, _attributes, work) => work(),
}
