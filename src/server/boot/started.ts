/** How to undo each step of the start, in the order of the steps. */
export type Started = (() => unknown)[]

/**
 * Undoes the steps in the reverse order, after a stop and after a start that failed. A step that fails keeps no other
 * from being undone; its error is thrown at the end.
 */
export async function undo(started: Started): Promise<void> {
  const errors: unknown[] = []
  for (const step of started.splice(0).reverse()) {
    try {
      await step()
    } catch (error) {
      errors.push(error)
    }
  }
  if (errors.length > 0) throw errors[0]
}
