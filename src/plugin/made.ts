import type { Dependencies } from '../application/dependencies.ts'

/** The parts of a plugin that `createMfa` does not show. `oidc-provider-mfa/testing` alone asks for them. */
const made = new WeakMap<object, Dependencies>()

/** Answers `mfa`. */
export function keepParts<Made extends object>(mfa: Made, deps: Dependencies): Made {
  made.set(mfa, deps)
  return mfa
}

/** Undefined: `createMfa` of this copy of the package has not made it. */
export function partsOf(mfa: object): Dependencies | undefined {
  return made.get(mfa)
}
