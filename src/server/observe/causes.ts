import { AsyncLocalStorage } from 'node:async_hooks'
import type { EventCause } from '../../domain/events.ts'

/** The request or the operator that causes what is done at present. */
export interface Causes {
  /** Runs `work`, and all that it starts, with this cause. */
  during<T>(cause: EventCause, work: () => T): T
  present(): EventCause
}

/** `always`: the cause of the whole process, such as the operator of a command. */
export function causes(always: EventCause = {}): Causes {
  const present = new AsyncLocalStorage<EventCause>()
  return {
    during: (cause, work) => present.run({ ...always, ...cause }, work),
    present: () => present.getStore() ?? always,
  }
}
