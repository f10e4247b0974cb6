import type { AnyFactor } from '../factors/factor.ts'
import { hashHandle } from './authenticator.ts'
import type { Dependencies } from './dependencies.ts'

/**
 * The account whose authenticator a response names; undefined: the response names none, or no account has it. The
 * result is a claim until the response was examined on the authenticators of that account.
 */
export async function findOwner(
  deps: Dependencies,
  factor: AnyFactor,
  response: unknown,
): Promise<string | undefined> {
  const handle = factor.identify?.(response)
  return handle === undefined ? undefined : findByHandle(deps, factor, handle)
}

/** The account that has an authenticator with this handle (`handlesOf`). Undefined: there is none. */
export function findByHandle(
  { storage }: Pick<Dependencies, 'storage'>,
  factor: AnyFactor,
  handle: string,
): Promise<string | undefined> {
  return storage.records.findByHandle(hashHandle(factor, handle))
}
