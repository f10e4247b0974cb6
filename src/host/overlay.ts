/**
 * An object of the host in which some members are replaced. Every other member stays the original's: its getters and
 * methods run on the original, because the host's classes have private fields, and an assignment changes the original.
 */
export function overlay<T extends object>(
  target: T,
  replaced: Readonly<Record<string, unknown>>,
): T {
  return new Proxy(target, {
    get(original, name) {
      if (typeof name === 'string' && Object.hasOwn(replaced, name)) return replaced[name]
      const value: unknown = Reflect.get(original, name, original)
      return typeof value === 'function'
        ? (value as (...args: unknown[]) => unknown).bind(original)
        : value
    },
    set: (original, name, value) => Reflect.set(original, name, value, original),
  })
}
