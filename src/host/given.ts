/**
 * A value that the host has always set where this is called. Throws where it is absent, because nothing can be decided.
 */
export function given<T>(value: T | null | undefined, name: string): T {
  if (value === undefined || value === null) throw new Error(`The host has given no ${name}`)
  return value
}
