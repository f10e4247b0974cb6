import { expect } from 'chai'
import { OneRead } from '../../../src/adapters/mongoose/one-read.ts'

describe('an account and its record in one read', () => {
  let asked: string[]
  let reads: OneRead<string, string>
  let failing = false
  let now: number

  beforeEach(() => {
    asked = []
    failing = false
    now = 0
    const read = (what: string) => async (id: string) => {
      asked.push(`${what} ${id}`)
      if (failing) throw new Error('away')
      return `${what} ${asked.length}`
    }
    const both = read('both')
    reads = new OneRead(
      {
        account: read('account'),
        record: read('record'),
        both: async (id) => {
          const answer = await both(id)
          return { account: `account of ${answer}`, record: `record of ${answer}` }
        },
      },
      () => now,
    )
  })

  for (const [first, second] of [
    ['account', 'record'],
    ['record', 'account'],
  ] as const)
    it(`is enough for a request that asks for the ${first} first`, () =>
      reads.duringRequest(async () => {
        expect(await reads[first]('mira')).to.equal(`${first} of both 1`)
        expect(await reads[second]('mira')).to.equal(`${second} of both 1`)
        expect(asked).to.deep.equal(['both mira'])
      }))

  it('is one also when both are asked for at once', () =>
    reads.duringRequest(async () => {
      await Promise.all([reads.record('mira'), reads.account('mira')])
      expect(asked).to.deep.equal(['both mira'])
    }))

  it('returns each half once: a second question is answered with the present state', () =>
    reads.duringRequest(async () => {
      await reads.record('mira')
      expect(await reads.account('mira')).to.equal('account of both 1')
      expect(await reads.record('mira')).to.equal('record 2')
      expect(await reads.account('mira')).to.equal('account 3')
    }))

  for (const [half, other] of [
    ['account', 'record'],
    ['record', 'account'],
  ] as const)
    it(`R20 gives no ${other} that is older than the ${half} that was read anew`, () =>
      reads.duringRequest(async () => {
        await reads[half]('mira')
        await reads[half]('mira')
        expect(await reads[other]('mira')).to.equal(`${other} 3`)
      }))

  it('is one in a request inside a request too, and what the inner one has written is the past', () =>
    reads.duringRequest(async () => {
      await reads.account('mira')
      await reads.duringRequest(async () => {
        expect(await reads.record('mira')).to.equal('record of both 1')
        await reads.account('noor')
        reads.forget('noor')
      })
      expect(await reads.record('noor')).to.equal('record 3')
    }))

  it('gives nothing to work that a request has left behind', async () => {
    const left = Promise.withResolvers<void>()
    const later = { work: Promise.resolve('') }
    await reads.duringRequest(async () => {
      await reads.account('mira')
      later.work = left.promise.then(() => reads.record('mira'))
    })
    left.resolve()
    expect(await later.work).to.equal('record 2')
    expect(reads.duringRequest(() => 'at once')).to.equal('at once')
  })

  it('gives nothing to it either where the request ended with an error at once', async () => {
    const left = Promise.withResolvers<void>()
    let later = Promise.resolve('')
    const work = (): never => {
      void reads.account('mira')
      later = left.promise.then(() => reads.record('mira'))
      throw new Error('at once')
    }
    expect(() => reads.duringRequest(work)).to.throw('at once')
    left.resolve()
    expect(await later).to.equal('record 2')
  })

  it('gives nothing that is older than five seconds', () =>
    reads.duringRequest(async () => {
      await reads.account('mira')
      now = 5000
      expect(await reads.record('mira')).to.equal('record of both 1')
      await reads.account('noor')
      now = 10_001
      expect(await reads.record('noor')).to.equal('record 3')
    }))

  it('R20 gives nothing that was read before a write of the same request', () =>
    reads.duringRequest(async () => {
      await reads.account('mira')
      await reads.account('noor')
      reads.forget('mira')
      expect(await reads.record('mira')).to.equal('record 3')
      expect(await reads.record('noor')).to.equal('record of both 2')
      await reads.account('lena')
      reads.forgetAll()
      expect(await reads.record('lena')).to.equal('record 5')
    }))

  it('gives nothing on to another request, nor outside of one', async () => {
    await reads.duringRequest(() => reads.account('mira'))
    await reads.duringRequest(() => reads.record('mira'))
    await reads.account('mira')
    await reads.record('mira')
    expect(asked).to.deep.equal(['both mira', 'both mira', 'account mira', 'record mira'])
  })

  it('keeps no failure', () =>
    reads.duringRequest(async () => {
      failing = true
      expect(await reads.account('mira').catch(String)).to.equal('Error: away')
      failing = false
      expect(await reads.record('mira')).to.equal('record of both 2')
    }))
})
