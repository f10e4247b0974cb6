import type { Context } from 'koa'
import { errors, type Adapter, type AdapterPayload, type Configuration } from 'oidc-provider'
import { providerOf, type Core } from '../../interactions/core.ts'
import { endsFamily, isRepetition } from '../domain/refresh.ts'
import { oidcIn, presentContext, type OIDC } from '../host/context.ts'
import { endGrant } from '../host/grant.ts'
import { presentedRefreshToken, type ReplacedToken } from '../host/refresh.ts'
import type { HostAdapter } from '../ports/host-records.ts'

/** A second use of a refresh token, as it was judged in the request that makes it. */
interface SecondUse {
  readonly isRepetition: boolean
  readonly grantId: string | undefined
  /** The token that replaced the presented one, if the storage has it. */
  readonly successor: string | undefined
}

/** The second uses of the requests that are being answered. */
const secondUses = new WeakMap<OIDC, SecondUse>()

/**
 * Ends the grant of a code that is used twice, and everything issued under it (R21). The host sees a second use that
 * comes later. Only the adapter sees one at the same moment, which the host would merely refuse.
 */
export function guardUse(core: Core, inner: Adapter): Partial<Adapter> {
  return {
    async consume(id) {
      const used = await consume(inner, id)
      if (used !== undefined) await refuse(core, used)
    },
  }
}

/**
 * Answers a second use of a refresh token with the same new token, if it is a repetition of the first use; any other
 * second use ends the family (R21). The repetition goes the whole way of a first use: the host makes every check of the
 * client, the sender, the grant and the scope anew, on the token that was presented. It then makes the new token again,
 * with the same value, because that value follows from the presented token. The storage has no copy of it.
 *
 * An adapter that is not known to keep the mark of a used token (`atomicConsume`) permits no repetition: two requests
 * write the new token, and the later write could make a token fresh that was used in between.
 */
export function guardRefreshToken(core: Core, inner: HostAdapter): Partial<Adapter> {
  if (inner.atomicConsume !== true) return guardUse(core, inner)
  return {
    async find(id) {
      const payload = await inner.find(id)
      const oidc = presentContext()?.oidc
      if (!payload?.consumed || oidc === undefined || presentedRefreshToken(oidc) !== id)
        return payload
      const isRepeatable = await judge(core, inner, oidc, { id, payload })
      return isRepeatable ? { ...payload, consumed: undefined } : payload
    },
    async consume(id) {
      const oidc = presentContext()?.oidc
      if (isRepeated(oidc)) return
      const payload = await consume(inner, id)
      if (payload === undefined) return
      const isRepeatable = oidc !== undefined && (await judge(core, inner, oidc, { id, payload }))
      if (!isRepeatable) await refuse(core, payload)
    },
    async upsert(id, payload, expiresIn) {
      // The first use has stored the token already, unless its node ended before: then the repetition stores it.
      if (isRepeated(presentContext()?.oidc) && (await inner.find(id))) return
      return inner.upsert(id, payload, expiresIn)
    },
  }
}

/** Spends a token. Answers its record if it was spent before; undefined if this call has spent it. */
async function consume(inner: Adapter, id: string): Promise<AdapterPayload | undefined> {
  try {
    await inner.consume(id)
    return undefined
  } catch (error) {
    const used = error instanceof errors.InvalidGrant ? await inner.find(id) : undefined
    if (!used) throw error
    return used
  }
}

/** Ends the family of a token that was spent before, and refuses the token. */
async function refuse(core: Core, { grantId }: AdapterPayload): Promise<never> {
  if (grantId !== undefined) await endGrant(providerOf(core), grantId)
  throw new errors.InvalidGrant('already used')
}

/** Judges the second use of a refresh token once in its request. Answers whether it is a repetition. */
async function judge(
  core: Core,
  inner: Adapter,
  oidc: OIDC,
  { id, payload }: { readonly id: string; readonly payload: AdapterPayload },
): Promise<boolean> {
  const { grantId } = payload
  const successor = await storedSuccessor(core, inner, { value: id, grantId })
  const used = {
    usedAt: payload.consumed as unknown,
    isSuccessorUsed: Boolean(successor?.payload.consumed),
  }
  const repeats = isRepetition(used, core.deps.clock.now())
  secondUses.set(oidc, { isRepetition: repeats, grantId, successor: successor?.value })
  return repeats
}

/** Nodes may differ in their newest key for a while: the token may have been made under any of the keys. */
async function storedSuccessor(
  core: Core,
  inner: Adapter,
  replaced: ReplacedToken,
): Promise<{ readonly value: string; readonly payload: AdapterPayload } | undefined> {
  for (const value of successorsOf(core, replaced)) {
    const payload = await inner.find(value)
    if (payload) return { value, payload }
  }
  return undefined
}

/**
 * The value of the refresh token that replaces another one. It has 256 bits, and only a node that has the encryption
 * key can compute it: neither an old token nor a copy of the database is enough.
 */
export function successorOf(core: Core, replaced: ReplacedToken, oidc: OIDC): string {
  return secondUses.get(oidc)?.successor ?? successorsOf(core, replaced)[0]
}

/** The possible successors, one for each encryption key, that of the newest key first. */
function successorsOf(
  { deps: { box } }: Core,
  { value, grantId }: ReplacedToken,
): readonly [string, ...string[]] {
  return box.macs('refresh-token', JSON.stringify([grantId, value]))
}

/** Lets the host rotate in a repetition because it did so at the first use, whatever the application's rule says now. */
export function rotationOf({
  rotateRefreshToken: own,
}: Configuration): Pick<Configuration, 'rotateRefreshToken'> {
  if (typeof own !== 'function') return own === undefined ? {} : { rotateRefreshToken: own }
  return { rotateRefreshToken: (ctx) => isRepeated(ctx.oidc) || own(ctx) }
}

/**
 * Ends the family of a refresh token whose second use the host has refused for another reason than the use itself, such
 * as another client or another key of the sender. Call it when the host has answered.
 */
export async function endRefusedFamily(core: Core, ctx: Context): Promise<void> {
  const oidc = oidcIn(ctx)
  const use = oidc && secondUses.get(oidc)
  if (use?.grantId === undefined || ctx.status < 400 || ctx.status >= 500) return
  const { error } = (ctx.body ?? {}) as { error?: unknown }
  if (endsFamily({ isRepetition: use.isRepetition, error }))
    await endGrant(providerOf(core), use.grantId)
}

function isRepeated(oidc: OIDC | undefined): boolean {
  return oidc !== undefined && secondUses.get(oidc)?.isRepetition === true
}
