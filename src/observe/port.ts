import { MfaError } from '../domain/errors.ts'
import type { Measures } from '../ports/measures.ts'

type Method = (...args: unknown[]) => unknown

/** A port whose calls are timed, under its name and the method's. Where nothing is collected, it is the port itself. */
export function measuredPort<Port extends object>(
  port: Port,
  name: string,
  measures: Measures,
): Port {
  if (!measures.collects) return port
  const timed = new Map<PropertyKey, { readonly method: Method; readonly call: Method }>()
  return new Proxy(port, {
    get(target, key) {
      const method: unknown = Reflect.get(target, key)
      if (typeof method !== 'function' || typeof key !== 'string') return method
      const known = timed.get(key)
      if (known?.method === method) return known.call
      const operation = `${name}.${key}`
      const call: Method = (...args) =>
        timeCall(measures, operation, () => (method as Method).apply(target, args))
      timed.set(key, { method: method as Method, call })
      return call
    },
  })
}

/** Times one call. An answer that is no promise is no call of the storage, and is not timed. */
export function timeCall<T>(measures: Measures, operation: string, call: () => T): T {
  const begun = performance.now()
  const seconds = (): number => (performance.now() - begun) / 1000
  const answer = call()
  if (!(answer instanceof Promise)) return answer
  return answer.then(
    (value: unknown) => {
      measures.stored(operation, seconds())
      return value
    },
    (error: unknown) => {
      measures.stored(operation, seconds(), codeOf(error))
      throw error
    },
  ) as T
}

/**
 * The code of one of our errors. The host's errors are answers, such as that a code was used before: `refused`. A driver's
 * errors have too many codes for a label.
 */
function codeOf(error: unknown): string {
  if (error instanceof MfaError) return error.code
  const { statusCode } = Object(error) as { statusCode?: unknown }
  return typeof statusCode === 'number' && statusCode < 500 ? 'refused' : 'error'
}
