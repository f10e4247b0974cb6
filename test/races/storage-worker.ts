/**
 * This is one of the processes of storage.test.ts. It opens the place named in its first argument when an order says
 * so, and carries out 50 operations at once at the barrier that each order names.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Grant } from 'oidc-provider'
import { freezeAccount, readEpoch } from '../../src/application/manage-accounts.ts'
import { settleEvents } from '../../src/application/commit.ts'
import { MfaError } from '../../src/domain/errors.ts'
import type { Account } from '../../src/ports/accounts.ts'
import type { ServerStorage } from '../../src/ports/server-storage.ts'
import { GRANT, grantNode } from './grants.ts'
import { openPlace } from './places.ts'
import { LINKS, OLD_HASH, OWNER, resetGround, tokenOf } from './reset-ground.ts'

const OPERATIONS = 50
const NOW = 1_800_000_000
const FIRST_PAUSE_MS = 20
const LONGEST_PAUSE_MS = 640

export type Scenario =
  | 'open'
  | 'reserve'
  | 'take'
  | 'increment'
  | 'hold'
  | 'consume'
  | 'sign-out'
  | 'end-session'
  | 'claim'
  | 'lock-and-reset'
  | 'load-grant'
  | 'revoke-app'

export interface Order {
  readonly scenario: Scenario
  /** The time at which every process begins, in milliseconds since the Unix epoch. */
  readonly startAt: number
}

/** The number of operations by outcome. */
export type Report = Readonly<Record<string, number>>

let storage: ServerStorage | undefined
let node: ReturnType<typeof grantNode> | undefined
/** The grant, as each request in flight has loaded it. */
const loaded: Grant[] = []

const operations: Record<Exclude<Scenario, 'open'>, (storage: ServerStorage) => Promise<string>> = {
  async reserve({ counters }) {
    const answer = await counters.reserve('name', { limit: 5, windowSeconds: 600 }, NOW)
    return answer.allowed ? 'allowed' : 'refused'
  },

  async take({ oneTime }) {
    return (await oneTime.take('link', NOW)) === undefined ? 'nothing' : 'taken'
  },

  /** Increments with a name of its own, to recognise a change whose save it did not see confirmed. */
  async increment({ records }) {
    const own = crypto.randomUUID()
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
      try {
        const before = await records.load('anna')
        const by = (before?.record?.['by'] ?? []) as string[]
        if (by.includes(own)) return 'saved'
        const record = { count: by.length + 1, by: [...by, own] }
        if (await records.save('anna', record, before?.version ?? 0)) return 'saved'
      } catch (error) {
        // On a busy machine an operation can take longer than the storage waits.
        if (!(error instanceof MfaError && error.code === 'storage-unavailable')) throw error
      }
      // A commit pauses too: two hundred writers that never pause would keep each other from saving.
      await sleep(Math.random() * pause)
    }
  },

  /** Saves an account that wants a handle which all others want too; about half have no record before. */
  async hold({ records }) {
    const id = crypto.randomUUID()
    const hasRecord = id < '8'
    if (hasRecord) await records.save(id, {}, 0)
    try {
      const saved = await records.save(id, { handles: ['key', id] }, hasRecord ? 1 : 0)
      return saved ? 'held' : 'lost'
    } catch (error) {
      return error instanceof MfaError ? error.code : String(error)
    }
  },

  async consume({ hostRecords }) {
    try {
      await hostRecords('AuthorizationCode').consume('code')
      return 'used'
    } catch (error) {
      return error instanceof Error && 'error' in error ? String(error.error) : String(error)
    }
  },

  /** Claims a name that all others want too; about half of the accounts exist and give up their old name for it. */
  async claim({ accounts }) {
    const id = crypto.randomUUID()
    const account: Account = {
      id,
      username: id,
      emailVerified: false,
      groups: [],
      claims: {},
      createdAt: NOW,
      updatedAt: NOW,
      passwordOrigin: 'none',
    }
    const renames = id < '8'
    if (renames) await accounts.insert(account, { username: id })
    const claimed = renames
      ? await accounts.update(account, { username: 'anna', email: `${id}@example.com` }, 1)
      : await accounts.insert(account, { username: id, email: 'anna' })
    return claimed ? 'claimed' : 'taken'
  },

  /** Acts as a request that has loaded the session before it is ended, and that then saves it under a new id. */
  async 'sign-out'({ hostRecords }) {
    const sessions = hostRecords('Session')
    const id = crypto.randomUUID()
    await untilAnswered(() => sessions.destroy('s'))
    await untilAnswered(() => sessions.upsert(id, { uid: 'u', jti: id }, 3600))
    return (await sessions.find(id)) === undefined ? 'refused' : 'moved'
  },

  /** Acts as a request in flight, which saves the session or gives it a new id, or as the owner, who ends it. */
  async 'end-session'({ hostRecords, accountRecords }) {
    const id = crypto.randomUUID()
    if (id < '1') {
      await untilAnswered(() => accountRecords.endSession('ending'))
      return 'ended'
    }
    const saved = id < '8' ? 'e' : id
    const session = { uid: 'ending', jti: saved }
    await untilAnswered(() => hostRecords('Session').upsert(saved, session, 3600))
    return 'in flight'
  },

  /**
   * Acts as the owner who locks the account, as somebody who uses a mailed link, or as a sign-in, which reads the epoch
   * before the password.
   */
  async 'lock-and-reset'(storage) {
    const { node, links } = resetGround(storage, NOW)
    const id = crypto.randomUUID()
    await sleep(Math.random() * 60)
    if (id < '1') {
      await freezeAccount(node.deps, OWNER)
      await settleEvents(node.deps)
      return 'locked'
    }
    if (id < '4') {
      const number = Math.floor(Math.random() * LINKS)
      return (await links().use(tokenOf(number), 'a password that is new and long', {})).outcome
    }
    const epoch = await readEpoch(node.deps, OWNER)
    const { account } = (await storage.accounts.byId(OWNER))!
    return account.passwordHash === OLD_HASH ? `old password in epoch ${epoch}` : 'new password'
  },

  async 'load-grant'(opened) {
    node ??= grantNode(opened)
    const grant = await node.Grant.find(GRANT.id)
    if (grant === undefined) return 'none'
    loaded.push(grant)
    return 'loaded'
  },

  /** Acts as a request that gives the app more, with the grant that it has loaded, or as the owner, who revokes it. */
  async 'revoke-app'(opened) {
    const { mfa, Grant } = (node ??= grantNode(opened))
    const grant = loaded.pop()
    const isOwner = loaded.length % 10 === 0
    await sleep(Math.random() * LONGEST_PAUSE_MS)
    if (grant === undefined || isOwner) {
      await untilAnswered(() => mfa.accounts.endAccess(GRANT.accountId, GRANT.clientId))
      await untilAnswered(() => Grant.adapter.destroy(GRANT.id))
      return 'ended'
    }
    grant.addOIDCScope('email')
    await untilAnswered(() => grant.save())
    return 'in flight'
  },
}

/** Repeats an operation while the storage is unavailable, as a browser does. */
async function untilAnswered(deed: () => Promise<unknown>): Promise<void> {
  for (;;)
    try {
      await deed()
      return
    } catch (error) {
      if (!(error instanceof MfaError) || !TRY_AGAIN.has(error.code)) throw error
    }
}

const TRY_AGAIN: ReadonlySet<string> = new Set(['storage-unavailable', 'record-contended'])

async function carryOut({ scenario, startAt }: Order): Promise<Report> {
  while (Date.now() < startAt);
  if (scenario === 'open') {
    // storage.test.ts runs the scenarios of the server's ports only on places that have these ports.
    storage = (await openPlace(process.argv[2] ?? '')).storage as ServerStorage
    return { opened: 1 }
  }
  const opened = storage
  if (!opened) throw new Error('not open yet')
  const outcomes = await Promise.all(
    Array.from({ length: OPERATIONS }, () => operations[scenario](opened)),
  )
  const report: Record<string, number> = {}
  for (const outcome of outcomes) report[outcome] = (report[outcome] ?? 0) + 1
  return report
}

process.on('message', (order: Order) => {
  carryOut(order).then(
    (report) => process.send?.(report),
    (error: unknown) => process.send?.({ [String(error)]: 1 }),
  )
})
process.on('disconnect', () => process.exit())
process.send?.({ ready: 1 })
