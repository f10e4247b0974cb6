import { createHash } from 'node:crypto'
import type { FactorWord } from '../domain/attempt.ts'
import type { IssuedSet } from '../domain/enrolment.ts'
import type { Json } from '../domain/json.ts'
import type { Authenticator } from '../domain/mfa-record.ts'
import type { Instant } from '../domain/time.ts'
import type { AnyFactor, Happened } from '../factors/factor.ts'
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
 * The form in which a record keeps a handle of a factor. A hash without a key is enough, because handles are random;
 * with a keyed hash, a change of the key would make the accounts unfindable.
 */
export function hashHandle({ id }: AnyFactor, handle: string): string {
  return createHash('sha256')
    .update(JSON.stringify([id, handle]))
    .digest('base64url')
}

/**
 * The name that a person typed, without invisible characters and without those that change the direction of text; at
 * most 64 characters.
 */
export function nameOf(typed: string): string {
  return visible(typed).slice(0, LONGEST_NAME).join('')
}

/** The name with the lowest number that makes it another one than these: `Security key 2`. */
export function distinctName(name: string, others: readonly string[]): string {
  for (let nth = 1; ; nth += 1) {
    const end = nth === 1 ? '' : ` ${nth}`
    const room = LONGEST_NAME - end.length
    const candidate = `${Array.from(name).slice(0, room).join('').trimEnd()}${end}`
    if (!others.includes(candidate)) return candidate
  }
}

export type NameFault = 'nameless' | 'too-long'

/** Why a person is asked for another name. A new authenticator needs no name. */
export function nameFault(typed: string): NameFault | undefined {
  const { length } = visible(typed)
  if (length === 0) return 'nameless'
  return length > LONGEST_NAME ? 'too-long' : undefined
}

/** The characters of the text, as code points and not as UTF-16 units. */
function visible(typed: string): string[] {
  const plain = typed
    .replace(/[\p{Cc}\p{Cf}]/gu, ' ')
    .replace(/\s+/gu, ' ')
    .trim()
  return Array.from(plain.toWellFormed())
}

/** A fresh set of an issued factor, before it is bound. It is made once, even if a commit has to decide again. */
export interface FreshSet {
  readonly factor: AnyFactor
  readonly state: Json
  /** The look-up secrets, which the person sees once. */
  readonly shown: readonly string[]
}

/** The ids of a factor and of the factors that it replaces. */
export function withSuperseded(
  { factors }: Pick<Dependencies, 'factors'>,
  { id }: Pick<AnyFactor, 'id'>,
): ReadonlySet<string> {
  const superseded = [...factors.values()].filter(({ supersededBy }) => supersededBy === id)
  return new Set([id, ...superseded.map((factor) => factor.id)])
}

/** A set as an authenticator of an account, with its factor's events. */
export function bindSet(
  deps: Dependencies,
  accountId: string,
  { factor, state }: FreshSet,
  { now, renewed }: { readonly now: Instant; readonly renewed: boolean },
): IssuedSet {
  return {
    authenticator: bindAuthenticator(deps, accountId, factor, state, { name: '', now }),
    told: wordsOf(factor, { what: 'issued', renewed }),
  }
}

/** Slow: look-up secrets are hashed one by one. Undefined: the factor is not `issued`. */
export async function issueSet(
  deps: Dependencies,
  factor: AnyFactor,
): Promise<FreshSet | undefined> {
  const issued = await factor.issue?.({ random: deps.random, hasher: deps.hasher })
  return issued === undefined
    ? undefined
    : { factor, state: issued.state as Json, shown: issued.shown }
}

/** The factor's own events. `createMfa` has refused a factor whose `eventTypes` has a general type. */
export function wordsOf(factor: AnyFactor, happened: Happened<unknown>): readonly FactorWord[] {
  return (factor.eventsOf?.(happened) ?? []) as readonly FactorWord[]
}

/** The factor's own events about a proof that it has refused to spend. */
export function wordsOfRefusal(
  factor: AnyFactor,
  state: Json,
  proof: unknown,
): readonly FactorWord[] {
  return (factor.eventsOfRefusal?.(state, proof) ?? []) as readonly FactorWord[]
}
