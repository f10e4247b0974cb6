/**
 * The process that is measured. Nothing else runs in it, so its CPU time is the server's alone. Its first argument
 * says which host it runs: `floor`, `mfa`, `metered`, which is `mfa` with metrics, or `passkey`, which is `mfa` with
 * passkeys too. The second is the database of the latter three.
 */
import { writeFile } from 'node:fs/promises'
import { Session } from 'node:inspector/promises'
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import { Provider } from 'oidc-provider'
import { openSqliteStorage } from '../src/adapters/sqlite/index.ts'
import { backupCodes, createMfa, totp } from '../src/index.ts'
import { passkeys } from '../src/factors/passkey/index.ts'
import { sweepExpired } from '../src/adapters/sweep-expired.ts'
import type { ServerStorage } from '../src/ports/server-storage.ts'
import { Operations, mapAdapter } from './counting.ts'
import { addExpired } from './expired.ts'
import { addCrowd, enrolPeople, importPasskeys, type Person } from './people.ts'
import { startBenchHost, type BenchHost } from './host.ts'
import { openPasswords, PASSWORD, type PasswordCheck } from './passwords.ts'

export type Kind = 'floor' | 'mfa' | 'metered' | 'passkey'

export type Order =
  | { readonly order: 'prepare'; readonly people: number; readonly crowd: number }
  | { readonly order: 'check-with'; readonly name: PasswordCheck }
  | { readonly order: 'hash'; readonly times: number; readonly atOnce: number }
  | { readonly order: 'measure' }
  | { readonly order: 'profile' }
  | { readonly order: 'write-profile'; readonly to: string }
  | { readonly order: 'fill'; readonly rows: number }
  | { readonly order: 'begin-sweep' }
  | { readonly order: 'end-of-sweep' }
  | { readonly order: 'stop' }

export interface Prepared {
  readonly issuer: string
  /** The people who can sign in: with a code each once, because a sign-in spends a time step. */
  readonly people: readonly Person[]
}

/** The figures since the process began. */
export interface Measured {
  readonly cpuMs: number
  readonly operations: Readonly<Record<string, number>>
  readonly rssMib: number
}

export interface Swept {
  readonly rows: number
  readonly seconds: number
}

const ENCRYPTION_KEY = Buffer.alloc(32, 7)
const [, , kind, path = ''] = process.argv

const passwords = await openPasswords()
const operations = new Operations()

async function start(people: number, crowd: number): Promise<Prepared & { host: BenchHost }> {
  if (kind === 'floor') {
    const host = await startBenchHost({
      adapter: operations.countInAdapter(mapAdapter()),
      passwords,
    })
    return { host, issuer: host.issuer, people: [] }
  }
  const storage = openSqliteStorage({ path })
  opened = storage
  const hasPasskeys = kind === 'passkey'
  const enrolled = hasPasskeys ? [] : await enrolPeople(storage, ENCRYPTION_KEY, people)
  if (crowd > 0) await addCrowd(storage, crowd)
  const host = await startBenchHost({
    adapter: operations.countInAdapter(storage.hostRecords),
    passwords,
    offersPasskeys: hasPasskeys,
    attach(issuer, configuration) {
      const mfa = createMfa({
        issuerName: 'Acme',
        storage: operations.countInStorage(storage),
        encryptionKeys: [ENCRYPTION_KEY],
        factors: [...(hasPasskeys ? [passkeys()] : []), totp(), backupCodes()],
        firstEnrolment: 'password',
        ...(kind === 'metered' ? { meterProvider: meters() } : {}),
      })
      // As in production, every event of a sign-in is stored durably in the audit trail.
      const audit = operations.countIn('audit', storage.audit)
      mfa.on('*', (event) => audit.add([event]))
      const provider = new Provider(issuer, mfa.configure(configuration))
      mfa.attach(provider)
      return { provider, mfa }
    },
  })
  const withPasskeys = hasPasskeys && host.mfa ? await importPasskeys(host.mfa, people) : []
  return { host, issuer: host.issuer, people: [...enrolled, ...withPasskeys] }
}

/** The SDK as the complete server has it. Nobody reads it during a round. */
function meters(): MeterProvider {
  return new MeterProvider({ readers: [new PrometheusExporter({ preventServerStart: true })] })
}

const profiler = new Session()
let host: BenchHost | undefined
let opened: ServerStorage | undefined
let sweeping: Promise<Swept> | undefined

async function sweep(): Promise<Swept> {
  if (opened === undefined) throw new Error('This host has no storage to sweep.')
  const began = performance.now()
  const rows = await sweepExpired(opened, { audit: { before: 2 } })
  return { rows, seconds: (performance.now() - began) / 1000 }
}

async function carryOut(order: Order): Promise<unknown> {
  switch (order.order) {
    case 'prepare': {
      const { host: started, ...prepared } = await start(order.people, order.crowd)
      host = started
      return prepared
    }
    case 'check-with':
      return passwords.use(order.name)
    case 'hash':
      return { cpuMs: await hashCpuMs(order.times, order.atOnce) }
    case 'measure': {
      const { user, system } = process.cpuUsage()
      return {
        cpuMs: (user + system) / 1000,
        operations: Object.fromEntries(operations.counts),
        rssMib: process.memoryUsage.rss() / 2 ** 20,
      } satisfies Measured
    }
    case 'profile':
      profiler.connect()
      await profiler.post('Profiler.enable')
      await profiler.post('Profiler.setSamplingInterval', { interval: 200 })
      return profiler.post('Profiler.start')
    case 'write-profile': {
      const { profile } = await profiler.post('Profiler.stop')
      return writeFile(order.to, JSON.stringify(profile))
    }
    case 'fill':
      return addExpired(path, order.rows)
    case 'begin-sweep':
      sweeping = sweep()
      return undefined
    case 'end-of-sweep':
      return sweeping
    case 'stop':
      await host?.close()
      process.disconnect?.()
      return undefined
  }
}

/** The cost of one password check alone, with the same parallelism as the sign-ins. */
async function hashCpuMs(times: number, atOnce: number): Promise<number> {
  const before = process.cpuUsage()
  for (let done = 0; done < times; done += atOnce)
    await Promise.all(Array.from({ length: atOnce }, () => passwords.check(PASSWORD)))
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000 / (Math.ceil(times / atOnce) * atOnce)
}

process.on('message', (order: Order) => {
  void carryOut(order).then((answer) => {
    if (process.connected) tell(answer)
  })
})
process.on('disconnect', () => process.exit())
tell('ready')

function tell(answer: unknown): void {
  process.send!({ answer })
}
