import type { ServerStorage } from '../../src/ports/server-storage.ts'
import { systemRandom } from '../../src/adapters/crypto/index.ts'
import { passwordChanged, readEpoch } from '../../src/application/manage-accounts.ts'
import { changeAccount } from '../../src/server/accounts/people.ts'
import { resetLinks, type ResetLinks } from '../../src/server/accounts/reset-link.ts'
import { testClock } from '../../src/testing/runner.ts'
import { world, type World } from '../application/world.ts'

/** The person whose password is reset and whose account is locked at once. */
export const OWNER = 'owner-of-the-mailbox'
export const [OLD_HASH, NEW_HASH] = ['the old hash', 'the new hash']
export const LINKS = 8

/** The token of a link, which all processes can tell. */
export const tokenOf = (number: number): string => bytesOf(number).toString('base64url')
const bytesOf = (number: number): Buffer => Buffer.alloc(32, number)

/** A node of the deployment, and the links for a new password as the server makes and uses them. */
export function resetGround(
  storage: ServerStorage,
  now: number,
): { readonly node: World; readonly links: (number?: number) => ResetLinks } {
  const node = world({ storage, clock: { ...testClock(), now: () => now }, random: systemRandom })
  const { accounts, oneTime, counters } = storage
  const links = (number = 0): ResetLinks =>
    resetLinks({
      accounts,
      oneTime,
      counters,
      clock: node.clock,
      random: { bytes: () => bytesOf(number) },
      hasher: { ...node.deps.hasher, hash: async () => NEW_HASH, kind: 'quick' } as never,
      issuer: 'https://id.example',
      serviceName: 'Acme',
      minimumLength: 8,
      passwordChanged: (id, ...how) => passwordChanged(node.deps, id, ...how),
      epochOf: (id) => readEpoch(node.deps, id),
      change: (id, change, events) => changeAccount(accounts, id, change, { at: now, events }),
    })
  return { node, links }
}
