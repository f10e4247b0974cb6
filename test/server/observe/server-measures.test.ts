import { setImmediate } from 'node:timers/promises'
import { expect } from 'chai'
import { memoryStorage } from '../../../src/adapters/memory/index.ts'
import { measuresOf } from '../../../src/observe/measures.ts'
import type { ServerStorage } from '../../../src/ports/server-storage.ts'
import { serverMeasuresOf } from '../../../src/server/observe/server-measures.ts'
import { measuredStorage } from '../../../src/server/observe/storage.ts'
import { collector } from '../../support/collector.ts'

describe('measures of the server alone', () => {
  const made = () => {
    const { meterProvider, points } = collector()
    const values = async (name: string): Promise<number[]> =>
      (await points(name)).map(({ value }) => value)
    return {
      points,
      values,
      measures: measuresOf({ meterProvider, factors: [] }),
      server: serverMeasuresOf(meterProvider),
    }
  }

  it('count what happens to mails that wait', async () => {
    const { server, points } = made()
    server.clockJumped('back')
    server.mailTried('sent')
    server.mailTried('postponed')
    server.mailTried('postponed')
    expect(await points('oidc_mfa.mail.attempts')).to.have.deep.members([
      { labels: { outcome: 'sent' }, value: 1 },
      { labels: { outcome: 'postponed' }, value: 2 },
    ])
  })

  it('show the mails that wait and the delay of the event loop, until they are stopped', async () => {
    const { server, values } = made()
    let reads = 0
    const stop = server.watch(async () => {
      reads += 1
      return 7
    })
    expect(await values('oidc_mfa.mail.queue')).to.deep.equal([7])
    for (const part of ['mean', 'p99', 'max']) {
      const [seconds] = await values(`nodejs.eventloop.delay.${part}`)
      expect(seconds, part).to.be.within(0, 60)
    }
    stop()
    const before = reads
    await values('oidc_mfa.mail.queue')
    expect([before > 0, reads]).to.deep.equal([true, before])
  })

  it('leave the mails out while the storage is away, and show the others', async () => {
    const { server, values } = made()
    const stop = server.watch(() => Promise.reject(new Error('away')))
    expect(await values('oidc_mfa.mail.queue')).to.deep.equal([])
    expect(await values('nodejs.eventloop.delay.max')).to.have.length(1)
    stop()
  })

  it('do not wait for a storage that hangs, and ask it once', async () => {
    const { server, values } = made()
    let asked = 0
    const { promise, resolve } = Promise.withResolvers<number>()
    const hanging = async (): Promise<number> => {
      asked += 1
      return promise
    }
    let patience: Promise<unknown> = Promise.resolve()
    const stop = server.watch(hanging, () => patience)
    expect(await values('oidc_mfa.mail.queue')).to.deep.equal([])
    expect(await values('nodejs.eventloop.delay.max')).to.have.length(1)
    expect(await values('oidc_mfa.mail.queue_known')).to.deep.equal([0])
    expect(asked).to.equal(1)
    patience = new Promise(() => undefined)
    resolve(4)
    await setImmediate()
    expect(await values('oidc_mfa.mail.queue')).to.deep.equal([4])
    expect(await values('oidc_mfa.mail.queue_known')).to.deep.equal([1])
    stop()
  })

  it('share one answer of the storage among readings at the same moment', async () => {
    const { server, values } = made()
    let asked = 0
    const { promise, resolve } = Promise.withResolvers<number>()
    const stop = server.watch(
      async () => {
        asked += 1
        return promise
      },
      () => new Promise(() => undefined),
    )
    const readings = Promise.all([values('oidc_mfa.mail.queue'), values('oidc_mfa.mail.queue')])
    resolve(4)
    expect(await readings).to.deep.equal([[4], [4]])
    expect(asked).to.equal(1)
    stop()
  })

  it('show how long a sweep leaves rows behind, and what it has deleted', async () => {
    const { server, measures, values } = made()
    const answers = [10, 10, 3]
    const inner: ServerStorage = {
      ...memoryStorage(),
      sweep: async () => answers.shift() ?? 0,
    }
    const storage = measuredStorage(inner, measures, server)
    const age = async (): Promise<number> => (await values('oidc_mfa.sweep.backlog_age'))[0] ?? -1
    const atStart = await age()
    expect(atStart).to.be.at.least(0)
    expect(await age(), 'it grows before the first sweep').to.be.above(atStart)
    expect(await storage.sweep(10)).to.equal(10)
    const first = await age()
    expect(first).to.be.above(atStart)
    await storage.sweep(10)
    const second = await age()
    expect(second).to.be.above(first)
    await storage.sweep(10)
    const third = await age()
    expect(third, 'a kind of row may have failed beside deleted rows').to.be.above(second)
    await storage.sweep(10)
    expect(await age()).to.be.below(third)
    expect(await values('oidc_mfa.sweep.rows')).to.deep.equal([23])
    const last = await age()
    server.sweptElsewhere()
    expect(await age()).to.be.below(last)
  })

  it('show the live nodes, and the settings in which this node differs until that is over', async () => {
    const { server, points, values } = made()
    expect(await values('oidc_mfa.cluster.nodes')).to.deep.equal([])
    server.nodesSeen(3, new Set(['mfa.required', 'totp.window']))
    server.nodesSeen(2, new Set(['totp.window']))
    expect(await values('oidc_mfa.cluster.nodes')).to.deep.equal([2])
    expect(await points('oidc_mfa.cluster.drift')).to.have.deep.members([
      { labels: { setting: 'mfa.required' }, value: 0 },
      { labels: { setting: 'totp.window' }, value: 1 },
    ])
  })

  it('time the calls of every port, but leave alone what is no call', async () => {
    const { server, measures, points } = made()
    const inner = { ...memoryStorage(), sweepMilliseconds: 5 }
    const storage = measuredStorage(inner, measures, server) as typeof inner
    expect(storage.sweepMilliseconds).to.equal(5)
    expect(storage.records).to.equal(inner.records)
    await storage.checkWritable()
    await storage.settings.get('nothing')
    await storage.hostRecords('Session').find('nobody')
    const operations = (await points('oidc_mfa.storage.duration')).map(
      ({ labels }) => labels['operation'],
    )
    expect(operations).to.have.members([
      'storage.checkWritable',
      'settings.get',
      'hostRecords.find',
    ])
  })
})
