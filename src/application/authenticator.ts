import type { Json } from '../domain/json.ts'
import type { Authenticator } from '../domain/mfa-record.ts'
import type { Instant } from '../domain/time.ts'
import type { AnyFactor } from '../factors/factor.ts'
import type { Dependencies } from './dependencies.ts'
import { sealState } from './sealed-state.ts'

/** Bytes of an authenticator's id. */
const ID_BYTES = 12
/** Characters of the name a person gives it. */
const LONGEST_NAME = 64

/** A new authenticator of an account, its factor's state sealed to it. */
export function bindAuthenticator(
  deps: Dependencies,
  accountId: string,
  factor: AnyFactor,
  state: Json,
  about: { readonly name: string; readonly now: Instant },
): Authenticator {
  const id = Buffer.from(deps.random.bytes(ID_BYTES)).toString('base64url')
  return {
    id,
    factor: factor.id,
    name: about.name,
    createdAt: about.now,
    sealed: sealState(deps.box, accountId, { id, factor: factor.id }, state),
  }
}

/** What a person typed as a name, without what could not be seen or would turn the text around it. */
export function nameOf(typed: string): string {
  const plain = typed
    .replace(/[\p{Cc}\p{Cf}]/gu, ' ')
    .replace(/\s+/gu, ' ')
    .trim()
  return Array.from(plain.toWellFormed()).slice(0, LONGEST_NAME).join('')
}

/** A fresh set of an issued factor, before it is bound: made once, however often a commit decides again. */
export interface FreshSet {
  readonly factor: AnyFactor
  readonly state: Json
  /** What the person sees once. */
  readonly shown: readonly string[]
}

/** Slow: look-up secrets are hashed one by one. Undefined: the factor is not one that is issued. */
export async function issueSet(
  deps: Dependencies,
  factor: AnyFactor,
): Promise<FreshSet | undefined> {
  const issued = await factor.issue?.({ random: deps.random, hasher: deps.hasher })
  return issued === undefined
    ? undefined
    : { factor, state: issued.state as Json, shown: issued.shown }
}
