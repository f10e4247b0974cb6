import { metrics } from '@opentelemetry/api'
import { expect } from 'chai'
import { collector } from '../support/collector.ts'
import { startHost, type Host } from './host.ts'
import { enrolledPerson } from './sign-in.ts'

describe('the metrics of an application with the plugin', () => {
  let host: Host | undefined
  afterEach(async () => {
    metrics.disable()
    await host?.close()
  })

  /** Signs a person in, whom the host knows from an enrolment; returns the steps by their labels. */
  const stepsOf = async (of: Host, points: ReturnType<typeof collector>['points']) => {
    await enrolledPerson(of, 'mira')
    const steps = await points('oidc_mfa.sign_in.steps')
    return steps.map(({ labels: { step, factor, outcome } }) => `${step} ${factor} ${outcome}`)
  }

  it('go to the SDK that the application has registered', async () => {
    const { meterProvider, points } = collector()
    metrics.setGlobalMeterProvider(meterProvider)
    host = await startHost()
    const steps = await stepsOf(host, points)
    expect(steps).to.include.members(['enrolment totp accepted', 'sign-in totp accepted'])
    const operations = (await points('oidc_mfa.storage.duration')).map(
      ({ labels }) => labels['operation'],
    )
    expect(operations).to.include.members(['records.load', 'records.save'])
  })

  it('go to the provider of the option `meterProvider` instead', async () => {
    const registered = collector()
    metrics.setGlobalMeterProvider(registered.meterProvider)
    const { meterProvider, points } = collector()
    host = await startHost({ mfa: { meterProvider } })
    expect(await stepsOf(host, points)).to.include('sign-in totp accepted')
    expect(await registered.points('oidc_mfa.sign_in.steps')).to.deep.equal([])
  })
})
