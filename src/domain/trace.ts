/** A text by which devices may still file an authenticator that the account does not have any more. */
export interface Trace {
  /** The id of the factor. */
  readonly factor: string
  readonly text: string
}

/** The part of an account's record that has them. */
interface Traced {
  readonly traces?: readonly Trace[]
}

/** Most traces of an account. The oldest are forgotten: the record must not grow for ever. */
export const MOST_TRACES = 20

/** The longest text of a trace, in UTF-16 code units. */
export const LONGEST_TRACE = 512

/** Whether the record can keep it. A factor makes the text. */
export function isTrace({ text }: { readonly text: unknown }): boolean {
  return typeof text === 'string' && text !== '' && text.length <= LONGEST_TRACE
}

/** The record with the traces of authenticators that it has lost, each once, the newest last. */
export function withTraces<R extends Traced>(record: R, left: readonly Trace[]): R {
  if (left.length === 0) return record
  const newest = new Map<string, Trace>()
  for (const trace of [...(record.traces ?? []), ...left]) {
    const key = JSON.stringify([trace.factor, trace.text])
    newest.delete(key)
    newest.set(key, trace)
  }
  return { ...record, traces: [...newest.values()].slice(-MOST_TRACES) }
}

/** The traces that authenticators of this factor have left. */
export function tracesOf({ traces = [] }: Traced, factor: string): readonly string[] {
  return traces.filter((trace) => trace.factor === factor).map(({ text }) => text)
}
