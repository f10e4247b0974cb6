/** A port that tells each of its calls, as `records.load`. */
export function counted<T extends object>(port: string, inner: T, note: (call: string) => void): T {
  return new Proxy(inner, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      return (...args: unknown[]): unknown => {
        note(`${port}.${String(name)}`)
        return (member as (...args: unknown[]) => unknown).apply(target, args)
      }
    },
  })
}
