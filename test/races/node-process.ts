/**
 * This process is one node of a deployment: the host application of the plugin's tests, on a database that all nodes
 * share. A test can tell the process to kill itself with SIGKILL at one point from the save of a spent code to the end
 * of a sign-in.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Provider } from 'oidc-provider'
import { passwordHasher } from '../../src/adapters/crypto/index.ts'
import { backupCodes, createMfa, totp } from '../../src/index.ts'
import type { ServerStorage } from '../../src/ports/server-storage.ts'
import { CLIENT, defaultConfiguration, PUBLIC_CLIENT } from '../plugin/host.ts'
import { hostPages } from '../plugin/host-pages.ts'
import { SessionJournal } from '../support/session-journal.ts'
import { ISSUER, type KillPoint, type NodeOrder } from './nodes.ts'
import { openServerPlace } from './places.ts'

const NETWORK_MS = 10
const [, , address = '', startedAt = '', journalPath] = process.argv
let now = Number(startedAt)
let killAt: KillPoint | undefined
const clock = { now: () => now }

function reached(point: KillPoint): void {
  if (point === killAt) process.kill(process.pid, 'SIGKILL')
}

function watched(storage: ServerStorage): ServerStorage {
  return {
    ...storage,
    records: {
      ...storage.records,
      async save(accountId, record, version) {
        reached('before the save')
        const saved = await storage.records.save(accountId, record, version)
        reached('after the save')
        return saved
      },
    },
    hostRecords: (model) => {
      const inner = storage.hostRecords(model)
      return {
        ...inner,
        // The host reads a code, then its grant, and then spends the code. With a database on a network, other requests
        // run between these steps.
        async find(id) {
          if (model === 'Grant') await sleep(NETWORK_MS)
          return inner.find(id)
        },
        async upsert(id, payload, expiresIn) {
          await inner.upsert(id, payload, expiresIn)
          const { result } = payload as { result?: { login?: object } }
          if (model === 'Interaction' && result?.login) reached('after the result was written')
          if (model === 'Session' && payload.accountId) reached('after the session was stored')
        },
      }
    },
  }
}

const opened = await openServerPlace(address, clock)
const storage = watched(
  journalPath === undefined ? opened : new SessionJournal(journalPath).noting(opened),
)
const mfa = createMfa({
  issuerName: 'Acme',
  storage,
  encryptionKeys: [Buffer.alloc(32, 7)],
  factors: [totp(), backupCodes()],
  firstEnrolment: 'password',
  hasher: passwordHasher({ memoryKib: 8, iterations: 1 }),
  clock,
})
mfa.on('*', (event) => {
  reached('while listeners are told')
  return storage.audit.add([event])
})
const configuration = mfa.configure({
  ...defaultConfiguration(storage),
  clients: [CLIENT, PUBLIC_CLIENT],
})
const provider = new Provider(ISSUER, configuration)
mfa.attach(provider)
provider.use(
  hostPages(provider, (request, response, accountId) =>
    mfa.interactionFinished(request, response, { login: { accountId } }),
  ),
)
const server = createServer(provider.callback())
server.listen(0, '127.0.0.1', () => {
  process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})

process.on('message', (order: NodeOrder) => {
  if ('killAt' in order) killAt = order.killAt
  else now = order.now
  process.send?.('done')
})
process.on('disconnect', () => process.exit())
