import { createHash } from 'node:crypto'
import type { IssuedSet } from '../domain/enrolment.ts'
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
  const handles = (factor.handlesOf?.(state) ?? []).map((handle) => hashHandle(factor, handle))
  return {
    id,
    factor: factor.id,
    name: about.name,
    createdAt: about.now,
    ...(handles.length === 0 ? {} : { handles }),
    sealed: sealState(deps.box, accountId, { id, factor: factor.id }, state),
  }
}

/**
 * How a record knows a handle of a factor. A plain hash: handles are random, and a key that changes would lose the
 * accounts behind them.
 */
export function hashHandle({ id }: AnyFactor, handle: string): string {
  return createHash('sha256')
    .update(JSON.stringify([id, handle]))
    .digest('base64url')
}

/** What a person typed as a name, without what could not be seen or would turn the text around it; at most 64 characters. */
export function nameOf(typed: string): string {
  return visible(typed).slice(0, LONGEST_NAME).join('')
}

export type NameFault = 'nameless' | 'too-long'

/** Why a person is asked for another name. An authenticator that is set up may do without. */
export function nameFault(typed: string): NameFault | undefined {
  const { length } = visible(typed)
  if (length === 0) return 'nameless'
  return length > LONGEST_NAME ? 'too-long' : undefined
}

/** Its characters: code points, not the halves of them. */
function visible(typed: string): string[] {
  const plain = typed
    .replace(/[\p{Cc}\p{Cf}]/gu, ' ')
    .replace(/\s+/gu, ' ')
    .trim()
  return Array.from(plain.toWellFormed())
}

/** A fresh set of an issued factor, before it is bound: made once, however often a commit decides again. */
export interface FreshSet {
  readonly factor: AnyFactor
  readonly state: Json
  /** What the person sees once. */
  readonly shown: readonly string[]
}

/** The ids of a factor and of those whose place it takes. */
export function withSuperseded(
  { factors }: Pick<Dependencies, 'factors'>,
  { id }: Pick<AnyFactor, 'id'>,
): ReadonlySet<string> {
  const superseded = [...factors.values()].filter(({ supersededBy }) => supersededBy === id)
  return new Set([id, ...superseded.map((factor) => factor.id)])
}

/** A set as an authenticator of an account, with what its factor tells of it. */
export function bindSet(
  deps: Dependencies,
  accountId: string,
  { factor, state }: FreshSet,
  { now, renewed }: { readonly now: Instant; readonly renewed: boolean },
): IssuedSet {
  return {
    authenticator: bindAuthenticator(deps, accountId, factor, state, { name: '', now }),
    told: factor.eventsOf?.({ what: 'issued', renewed }) ?? [],
  }
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
