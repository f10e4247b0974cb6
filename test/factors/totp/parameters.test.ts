import { expect } from 'chai'
import fc from 'fast-check'
import { MfaError } from '../../../src/domain/errors.ts'
import { totp } from '../../../src/factors/totp/index.ts'
import { parseParameters, widestWindow } from '../../../src/factors/totp/parameters.ts'

const SECRET = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'
const parameters = { secret: SECRET, algorithm: 'SHA1', digits: 6, periodSeconds: 30 }

function faultsOf(options: object): string {
  try {
    totp(options)
    return ''
  } catch (error) {
    expect(error).to.be.instanceOf(MfaError).with.property('code', 'options-invalid')
    return (error as MfaError).message
  }
}

describe('the options of totp', () => {
  it('R6 refuses every window and period that together reach further than 150 seconds, and names the rule', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 10 }),
        fc.integer({ min: 15, max: 150 }),
        (window, periodSeconds) => {
          const faults = faultsOf({ window, periodSeconds })
          if ((2 * window + 1) * periodSeconds > 150)
            expect(faults).to.include('at most 150 seconds (R6)')
          else expect(faults).to.equal('')
        },
      ),
    )
  })

  it('R6 never leaves a wider window than fits, for any period', () => {
    for (let period = 15; period <= 150; period += 1) {
      const window = widestWindow(period)
      expect((2 * window + 1) * period).to.be.at.most(150)
      expect((2 * (window + 1) + 1) * period).to.be.above(150)
    }
  })

  it('lists every fault at once', () => {
    const faults = faultsOf({
      digits: 7,
      periodSeconds: 10.5,
      algorithm: 'MD5',
      window: -1,
      period: 60,
    })
    for (const name of ['digits', 'periodSeconds', 'algorithm', 'window', 'no option period'])
      expect(faults).to.include(name)
  })

  it('refuses periods that are no whole seconds or out of bounds', () => {
    for (const periodSeconds of [0, 14, 151, 30.5, '30', NaN, null])
      expect(faultsOf({ periodSeconds, window: 0 })).to.include('periodSeconds')
    for (const window of ['1', 0.5, NaN]) expect(faultsOf({ window })).to.include('window')
  })
})

describe('the stored parameters of an authenticator', () => {
  it('stay as they were stored, also if the options have changed', () => {
    const other = { secret: SECRET, algorithm: 'SHA512', digits: 8, periodSeconds: 60 }
    expect(totp().parsePending(other)).to.deep.equal(other)
  })

  it('are refused when a field is missing or out of bounds, without being quoted', () => {
    for (const wrong of [
      { secret: undefined },
      { secret: 'lower case and spaces' },
      { secret: '10189' },
      { secret: 'A'.repeat(6) }, // 3 bytes: no product makes that
      { secret: 'A'.repeat(104) }, // 65 bytes
      { algorithm: 'sha1' },
      { digits: 7 },
      { digits: '6' },
      { periodSeconds: 14 },
      { periodSeconds: 151 },
      { periodSeconds: 30.5 },
    ])
      expect(() => parseParameters({ ...parameters, ...wrong }))
        .to.throw(MfaError)
        .that.has.property('message')
        .that.does.not.include('AAAAAA')
    expect(parseParameters({ ...parameters, extra: 1 })).to.deep.equal(parameters)
  })

  it('are refused if the last step is missing or invalid', () => {
    for (const lastTimeStep of [undefined, -1, 1.5, '7'])
      expect(() =>
        totp().parseState({
          ...parameters,
          ...(lastTimeStep === undefined ? {} : { lastTimeStep }),
        }),
      ).to.throw(MfaError)
    expect(totp().parseState({ ...parameters, lastTimeStep: 0 })).to.include({ lastTimeStep: 0 })
  })
})
