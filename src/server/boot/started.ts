/** How to undo each step of the start, in the order of the steps. */
export type Started = (() => unknown)[]

/** Undoes the steps in the reverse order, after a stop and after a start that failed. */
export async function undo(started: Started): Promise<void> {
  for (const step of started.splice(0).reverse()) await step()
}
