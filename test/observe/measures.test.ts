import { createNoopMeter } from '@opentelemetry/api'
import { expect } from 'chai'
import { MfaError } from '../../src/domain/errors.ts'
import { measuresOf } from '../../src/observe/measures.ts'
import { measuredPort } from '../../src/observe/port.ts'
import { NO_MEASURES, type Measures } from '../../src/ports/measures.ts'
import { collector } from '../support/collector.ts'

describe('measures', () => {
  it('are nothing at all where no provider is registered, and the storage is not wrapped', () => {
    const measures = measuresOf({ factors: ['totp'] })
    const { span: _, ...nothing } = NO_MEASURES
    expect(measures).to.include(nothing)
    const port = { load: async () => 1 }
    expect(measuredPort(port, 'records', measures)).to.equal(port)
    const noop = { getMeter: createNoopMeter }
    expect(measuresOf({ meterProvider: noop, factors: [] })).to.include(nothing)
  })

  it('have no value in a label that the product does not know', async () => {
    const { meterProvider, points } = collector()
    const measures = measuresOf({ meterProvider, factors: ['totp'] })
    const detail = { factor: 'alice@example.com', reason: 'her password' }
    measures.told({ type: 'factor-refused', detail })
    measures.told({ type: 'factor-refused', detail: { factor: 'totp', reason: 'wrong' } })
    measures.told({ type: 'constructor', detail })
    expect(await points('oidc_mfa.sign_in.steps')).to.have.deep.members([
      {
        labels: { step: 'factor', factor: 'other', outcome: 'refused', reason: 'other' },
        value: 1,
      },
      { labels: { step: 'factor', factor: 'totp', outcome: 'refused', reason: 'wrong' }, value: 1 },
    ])
  })

  const STEPS: readonly (readonly [string, object, string])[] = [
    ['password-accepted', {}, 'password none accepted none'],
    ['password-refused', { reason: 'unknown' }, 'password none refused unknown'],
    ['factor-accepted', { factor: 'totp' }, 'factor totp accepted none'],
    ['factor-refused', { factor: 'totp', reason: 'late' }, 'factor totp refused late'],
    [
      'factor-refused',
      { factor: 'totp', reason: 'wrong-confirmation' },
      'enrolment totp refused wrong',
    ],
    [
      'factor-refused',
      { factor: 'owner-proof', reason: 'wrong' },
      'enrolment owner-proof refused wrong',
    ],
    [
      'refused-while-locked',
      { factor: 'totp', reason: 'codes-disabled' },
      'factor totp refused locked',
    ],
    [
      'refused-while-locked',
      { factor: 'recovery', reason: 'code' },
      'recovery recovery refused locked',
    ],
    ['enrolment-refused', { reason: 'no-proof' }, 'enrolment none refused no-proof'],
    ['owner-proved', {}, 'enrolment none accepted owner-proved'],
    ['factor-enrolled', { factor: 'totp' }, 'enrolment totp accepted none'],
    ['factor-replaced', { factor: 'totp' }, 'enrolment totp accepted none'],
    ['recovery-started', {}, 'recovery none accepted started'],
    ['recovery-refused', {}, 'recovery none refused wrong'],
    ['recovery-completed', { factor: 'totp' }, 'recovery totp accepted completed'],
  ]
  for (const [type, detail, wanted] of STEPS)
    it(`count ${type} ${JSON.stringify(detail)} as: ${wanted}`, async () => {
      const { meterProvider, points } = collector()
      measuresOf({ meterProvider, factors: ['totp'] }).told({ type, detail })
      const [point] = await points('oidc_mfa.sign_in.steps')
      const { step, factor, outcome, reason } = point?.labels ?? {}
      expect(`${step} ${factor} ${outcome} ${reason}`).to.equal(wanted)
    })
})

describe('a measured port', () => {
  const timed = (): { measures: Measures; calls: (string | undefined)[][] } => {
    const calls: (string | undefined)[][] = []
    const stored: Measures['stored'] = (operation, seconds, error) => {
      expect(seconds).to.be.within(0, 5)
      calls.push([operation, error])
    }
    return { measures: { ...NO_MEASURES, collects: true, stored }, calls }
  }

  it('answers what the port answers, keeps `this`, and times each call', async () => {
    class Records {
      #value = 7
      async load(): Promise<number> {
        return this.#value
      }
      sync(): number {
        return this.#value
      }
    }
    const { measures, calls } = timed()
    const port = measuredPort(new Records(), 'records', measures)
    expect(await port.load()).to.equal(7)
    expect(port.sync()).to.equal(7)
    expect(port.load).to.equal(port.load)
    expect(calls).to.deep.equal([['records.load', undefined]])
  })

  it('times a call that fails, with the code of an error of ours and no word of another', async () => {
    const { measures, calls } = timed()
    const faults: readonly Error[] = [
      new MfaError('storage-unavailable', 'away', { status: 503 }),
      Object.assign(new Error('used'), { statusCode: 400 }),
      new Error('E11000 duplicate key alice'),
    ]
    const port = measuredPort(
      {
        async load(): Promise<void> {
          throw faults[calls.length] ?? new Error('one call too many')
        },
      },
      'records',
      measures,
    )
    for (const fault of faults)
      expect(await port.load().catch((error: unknown) => error)).to.equal(fault)
    expect(calls.map(([, error]) => error)).to.deep.equal([
      'storage-unavailable',
      'refused',
      'error',
    ])
  })
})
