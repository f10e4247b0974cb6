import { setImmediate as turn } from 'node:timers/promises'
import { expect } from 'chai'
import { Provider, type Adapter, type AdapterPayload, type Configuration } from 'oidc-provider'
import { memoryStorage } from '../../src/adapters/memory/index.ts'
import type { HostAdapter } from '../../src/ports/host-records.ts'
import { describeAtomicConsume, type Runner } from '../../src/testing/index.ts'
import { createMfa, totp } from '../../src/index.ts'
import { defaultConfiguration } from './host.ts'

/** The warnings that `attach` emits for an adapter. */
async function warningsOf(adapter: Configuration['adapter']): Promise<readonly Warning[]> {
  const seen: Warning[] = []
  const note = (warning: Warning): void => {
    if (warning.name === 'MfaWarning') seen.push(warning)
  }
  process.on('warning', note)
  try {
    const storage = memoryStorage()
    const mfa = createMfa({
      issuerName: 'Acme',
      storage,
      encryptionKeys: [Buffer.alloc(32, 7)],
      factors: [totp()],
      firstEnrolment: 'password',
    })
    const configuration = { ...defaultConfiguration(storage), adapter: adapter as never }
    mfa.attach(new Provider('http://localhost:9', mfa.configure(configuration)))
    await turn()
    return seen
  } finally {
    process.off('warning', note)
  }
}

interface Warning extends Error {
  readonly code?: string
  readonly detail?: string
}

/** Stores the mark and does not look whether it is there: the shape of the adapters in the host's own examples. */
class ExampleAdapter implements HostAdapter {
  readonly atomicConsume?: boolean
  readonly #stored: Map<string, AdapterPayload>
  constructor(stored: Map<string, AdapterPayload>) {
    this.#stored = stored
  }
  async upsert(id: string, payload: AdapterPayload): Promise<void> {
    this.#stored.set(id, payload)
  }
  async find(id: string): Promise<AdapterPayload | undefined> {
    return this.#stored.get(id)
  }
  async findByUid(): Promise<undefined> {}
  async findByUserCode(): Promise<undefined> {}
  async consume(id: string): Promise<void> {
    const found = await this.find(id)
    if (found !== undefined) this.#stored.set(id, { ...found, consumed: 1 })
  }
  async destroy(): Promise<void> {}
  async revokeByGrantId(): Promise<void> {}
}

/** Looks first and writes afterwards: it refuses a later use, and no parallel one. */
class LookingAdapter extends ExampleAdapter {
  override readonly atomicConsume = true
  override async consume(id: string): Promise<void> {
    const found = await this.find(id)
    if (found === undefined || found.consumed !== undefined)
      throw Object.assign(new Error('used'), { error: 'invalid_grant' })
    await super.consume(id)
  }
}

describe('R21 an adapter whose consume is not known to be atomic', () => {
  const example = (): Adapter => new ExampleAdapter(new Map())
  const atomic = memoryStorage().hostRecords

  it('is warned of once, with the models and the mend', async () => {
    const [warning, ...more] = await warningsOf(example)
    expect(more).to.deep.equal([])
    expect(warning).to.include({ name: 'MfaWarning', code: 'adapter-consume-unknown' })
    expect(warning?.message).to.match(/\(AuthorizationCode, RefreshToken, DeviceCode\)/)
    expect(warning?.detail).to.match(
      /Parallel requests.*throws errors\.InvalidGrant.*describeAtomicConsume.*atomicConsume = true/,
    )
  })

  it('is warned of for the models that do not say so', async () => {
    const [warning] = await warningsOf((model: string) =>
      model === 'RefreshToken' ? example() : atomic(model),
    )
    expect(warning?.message).to.match(/\(RefreshToken\)/)
  })

  it('is warned of where the property is anything but true, or the adapter cannot be made yet', async () => {
    for (const atomicConsume of [false, 'true', 1, () => true])
      expect(
        await warningsOf(() => Object.assign(example(), { atomicConsume })),
        String(atomicConsume),
      ).to.have.lengthOf(1)
    const failing = (): never => {
      throw new Error('no database yet')
    }
    expect(await warningsOf(failing)).to.have.lengthOf(1)
  })

  it('is not warned of where the adapter says so: a class, a function, each of our storages', async () => {
    class Saying extends ExampleAdapter {
      override readonly atomicConsume = true
      constructor() {
        super(new Map())
      }
    }
    for (const adapter of [Saying, () => new Saying(), atomic])
      expect(await warningsOf(adapter)).to.deep.equal([])
  })
})

describe('describeAtomicConsume', () => {
  /** The outcome of each test that the suite declares for an adapter. */
  async function outcomesOf(
    make: (stored: Map<string, AdapterPayload>) => HostAdapter,
  ): Promise<Readonly<Record<string, boolean>>> {
    const declared: [string, () => Promise<void>][] = []
    const runner: Runner = {
      describe: (_name, body) => body(),
      it: (sentence, body) => declared.push([sentence, body]),
    }
    describeAtomicConsume(
      'mine',
      () => {
        const models = new Map<string, Map<string, AdapterPayload>>()
        return {
          store: (model) => {
            const stored = models.get(model) ?? new Map<string, AdapterPayload>()
            models.set(model, stored)
            return make(stored)
          },
        }
      },
      runner,
    )
    const outcomes: Record<string, boolean> = {}
    for (const [sentence, body] of declared)
      outcomes[sentence] = await body().then(
        () => true,
        () => false,
      )
    return outcomes
  }
  const failed = (outcomes: Readonly<Record<string, boolean>>): string[] =>
    Object.keys(outcomes).filter((sentence) => outcomes[sentence] === false)

  it('fails an adapter in the shape of the host’s own example', async () => {
    const outcomes = await outcomesOf((stored) => new ExampleAdapter(stored))
    expect(failed(outcomes)).to.have.members(Object.keys(outcomes))
  })

  it('fails an adapter that looks before it writes, by its parallel uses', async () => {
    const refused = failed(await outcomesOf((stored) => new LookingAdapter(stored)))
    expect(refused.filter((sentence) => /parallel/.test(sentence))).to.have.lengthOf(3)
    expect(refused.filter((sentence) => /says that|later use/.test(sentence))).to.deep.equal([])
  })
})
