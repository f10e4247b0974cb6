import type { PasswordHasher } from '../../ports/services.ts'
import {
  readForeignHash,
  unmatchedForeignHash,
  verifyForeignHash,
  type HashKind,
} from './foreign-hash/index.ts'
import type { QueuedPasswordHasher } from './password-hasher.ts'

export interface ConstantWorkOptions {
  /** Today's hashes, and the queue in which everything waits. */
  readonly hasher: QueuedPasswordHasher
  /**
   * The kinds that accounts of this storage have besides, in a fixed order. `anew`: as they are this moment; a
   * hash has turned up of a kind that was not among them.
   */
  readonly kinds: (anew?: 'anew') => Promise<readonly HashKind[]>
  /** For tests, which count. */
  readonly verifyForeign?: PasswordHasher['verify']
}

/**
 * Checks passwords whose hashes other products made, and makes today's. Every check, of whatever account, known or
 * unknown, right or wrong, computes one hash of today's parameters and one of each kind that the storage holds, in
 * one order: those that are not the account's own against a hash that nothing matches. The time an answer takes then
 * says nothing of where an account came from, nor that there is one (R33). No timer could do that: the load of the
 * machine would show through it.
 *
 * A hash of a kind that is not held is not computed: it is refused like a wrong password.
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

    async verify(phc, secret) {
      const kind = kindOf(phc)
      const own = kind === hasher.kind ? undefined : kind
      const all = (await held(own)).filter((each) => each !== hasher.kind)
      // One of ours from before, with weaker parameters, is evaluated in place of today's.
      const ours = own === undefined || !all.includes(own) ? phc : ''
      return hasher.queued(async (evaluate) => {
        let isRight = await evaluate(ours, secret)
        for (const kind of all) {
          if (kind === own) isRight = await verifyForeign(phc, secret)
          // Computed for the time it takes: what fails there concerns nobody who is not of that kind.
          else await verifyForeign(unmatchedForeignHash(kind) ?? '', secret).catch(() => false)
        }
        return isRight
      })
    },

    /** True also for stronger ones: a kind costs everybody for as long as one account has it. */
    needsRehash: (phc) => kindOf(phc) !== hasher.kind,
  }
}

function kindOf(phc: string): HashKind | undefined {
  const reading = readForeignHash(phc)
  return 'kind' in reading ? reading.kind : undefined
}
