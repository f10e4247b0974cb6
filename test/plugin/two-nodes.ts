import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Provider, type Configuration, type InteractionResults } from 'oidc-provider'
import { passwordHasher } from '../../src/adapters/crypto/index.ts'
import { backupCodes, createMfa, totp, type Mfa, type MfaOptions } from '../../src/index.ts'
import type { ServerStorage } from '../../src/ports/server-storage.ts'
import { Clock, defaultConfiguration } from './host.ts'
import { hostPages } from './host-pages.ts'
import { recordWrites, STORAGES, type OpenStorage, type Write } from './recorded-storage.ts'

/** The node `before` runs the application without the plugin, the node `after` runs it with the plugin. */
export type Node = 'before' | 'after'

/** A deployment during a roll-out: two nodes behind one address, on one storage. */
export interface TwoNodes {
  readonly issuer: string
  readonly mfa: Mfa
  /** The provider with the plugin. */
  readonly after: Provider
  readonly storage: ServerStorage
  readonly clock: Clock
  readonly writes: Write[]
  /** The number of right passwords that each node has received. */
  readonly passwords: Record<Node, number>
  /** Directs all further requests to this node. */
  servedBy(node: Node): void
  close(): Promise<void>
}

export interface TwoNodesOptions {
  readonly storage?: OpenStorage
  readonly mfa?: Partial<MfaOptions>
  readonly configuration?: Partial<Configuration>
  /** Further members of the login result that the node without the plugin gives. */
  readonly saidBefore?: Omit<NonNullable<InteractionResults['login']>, 'accountId'>
}

export async function startTwoNodes(options: TwoNodesOptions = {}): Promise<TwoNodes> {
  const clock = new Clock()
  const writes: Write[] = []
  const stored = (options.storage ?? STORAGES.memory!)(clock)
  const storage = recordWrites(stored, writes)
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const configuration = { ...defaultConfiguration(storage), ...options.configuration }
  const mfa = createMfa({
    issuerName: 'Acme',
    storage,
    encryptionKeys: [Buffer.alloc(32, 7)],
    factors: [totp(), backupCodes()],
    firstEnrolment: 'password',
    hasher: passwordHasher({ memoryKib: 8, iterations: 1 }),
    clock,
    ...options.mfa,
  })
  const passwords: Record<Node, number> = { before: 0, after: 0 }

  const before = new Provider(issuer, configuration)
  before.use(
    hostPages(before, async (request, response, accountId) => {
      passwords.before += 1
      const login = { ...options.saidBefore, accountId }
      await before.interactionFinished(request, response, { login })
    }),
  )
  const after = new Provider(issuer, mfa.configure(configuration))
  mfa.attach(after)
  after.use(
    hostPages(after, async (request, response, accountId) => {
      passwords.after += 1
      await mfa.interactionFinished(request, response, { login: { accountId } })
    }),
  )

  const serve = { before: before.callback(), after: after.callback() }
  let node: Node = 'before'
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    void serve[node](request, response)
  })
  return {
    issuer,
    mfa,
    after,
    storage,
    clock,
    writes,
    passwords,
    servedBy(next) {
      node = next
    },
    async close() {
      server.closeAllConnections()
      await new Promise<void>((done) => server.close(() => done()))
      await mfa.settled()
      await stored.close()
    },
  }
}
