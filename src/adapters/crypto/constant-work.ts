import type { PasswordHasher } from '../../ports/services.ts'
import {
  readForeignHash,
  unmatchedForeignHash,
  verifyForeignHash,
  type HashKind,
} from './foreign-hash/index.ts'
import type { QueuedPasswordHasher } from './password-hasher.ts'

export interface ConstantWorkOptions {
  /** Makes and verifies hashes with the present parameters, and has the queue in which every job waits. */
  readonly hasher: QueuedPasswordHasher
  /**
   * The other kinds of hashes that accounts of this storage have, in a fixed order. `anew`: reads them again, because
   * an account has a hash of a kind that was not among them.
   */
  readonly kinds: (anew?: 'anew') => Promise<readonly HashKind[]>
  /** For tests, which count the calls. */
  readonly verifyForeign?: PasswordHasher['verify']
}

/**
 * Checks passwords against hashes of other products, and makes hashes with the present parameters. Every check, for a
 * known or an unknown account, with a right or a wrong password, computes one hash with the present parameters and one
 * of each kind that the storage holds, always in the same order. For kinds that are not the account's own it uses a
 * hash that no password matches. The time of a response then shows neither the origin of an account nor whether it
 * exists (R33). A fixed delay could not hide this, because the load of the machine would still show.
 *
 * A hash of a kind that the storage does not hold is not computed: it is refused like a wrong password.
 */
export function constantWork({
  hasher,
  kinds,
  verifyForeign = verifyForeignHash,
}: ConstantWorkOptions): PasswordHasher {
  const held = async (own: HashKind | undefined): Promise<readonly HashKind[]> => {
    const known = await kinds()
    return own === undefined || known.includes(own) ? known : kinds('anew')
  }
  return {
    hash: (secret) => hasher.hash(secret),

    async verify(phc, secret, place) {
      const kind = kindOf(phc)
      const own = kind === hasher.kind ? undefined : kind
      const all = (await held(own)).filter((each) => each !== hasher.kind)
      // An older hash of ours, with weaker parameters, is evaluated in place of one with the present parameters.
      const ours = own === undefined || !all.includes(own) ? phc : ''
      return hasher.queued(async (evaluate) => {
        let isRight = await evaluate(ours, secret)
        for (const kind of all) {
          if (kind === own) isRight = await verifyForeign(phc, secret)
          // Computed only for its time. An error of this kind of hash does not matter to an account of another kind.
          else await verifyForeign(unmatchedForeignHash(kind) ?? '', secret).catch(() => false)
        }
        return isRight
      }, place)
    },

    /** True also for a stronger hash: every sign-in computes each kind that one account still has. */
    needsRehash: (phc) => kindOf(phc) !== hasher.kind,
  }
}

function kindOf(phc: string): HashKind | undefined {
  const reading = readForeignHash(phc)
  return 'kind' in reading ? reading.kind : undefined
}
