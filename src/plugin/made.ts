import type { Dependencies } from '../application/dependencies.ts'

/** The parts of a plugin that `createMfa` does not show. `oidc-provider-mfa/testing` alone asks for them. */
const made = new WeakMap<object, Dependencies>()

export function keepParts(mfa: object, deps: Dependencies): void {
  made.set(mfa, deps)
}

/** Undefined: `createMfa` of this copy of the package has not made it. */
export function partsOf(mfa: object): Dependencies | undefined {
  return made.get(mfa)
}
