import { expect } from 'chai'
import { MULTI_FACTOR_ACR, type MfaEventOf } from '../../src/index.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import {
  authorizeUrl,
  callbackOf,
  follow,
  showPassword,
  startHost,
  type Host,
  type HostOptions,
} from './host.ts'
import { enrolledPerson, signIn, type Person } from './sign-in.ts'

const ESSENTIAL = JSON.stringify({
  id_token: { acr: { essential: true, value: MULTI_FACTOR_ACR } },
})
const STAFF_APP = { name: 'staff app', when: { client: 'other' }, require: 'multi-factor' }
const NOBODY = JSON.stringify({ id_token: { acr: { essential: true, value: 'urn:nobody' } } })

describe('the event policy-decided', () => {
  let host: Host
  let browser: HttpClient
  afterEach(() => host.close())

  const begin = async (mfa: HostOptions['mfa'] = {}): Promise<void> => {
    host = await startHost({ mfa: { require: false, ...mfa } })
    browser = new HttpClient()
  }
  const visit = async (parameters: Record<string, string> = {}): Promise<Page> =>
    follow(host, browser, await browser.get(authorizeUrl(host, parameters)))
  /** The details of the events since the last call. */
  const told = async (): Promise<MfaEventOf<'policy-decided'>['detail'][]> => {
    await host.mfa.settled()
    const events = host.events.splice(0)
    return events.flatMap((event) => (event.type === 'policy-decided' ? [event.detail] : []))
  }
  const words = async (): Promise<unknown[]> => (await told()).map(({ decision }) => decision)
  const enrolled = async (): Promise<Person> => {
    const person = await enrolledPerson(host)
    await told()
    return person
  }

  it('is made once in a sign-in that asks for a factor, with the rules and the request', async () => {
    await begin({ require: true })
    const person = await enrolled()
    await signIn(host, browser, person)
    const [one, ...others] = await told()
    expect(others).to.deep.equal([])
    expect(one).to.deep.include({
      decision: 'verify',
      rules: ['set up by the person', 'require'],
      clientId: 'app',
      locale: 'en',
      ip: '127.0.0.1',
    })
    expect(one).not.to.have.any.keys('shadow', 'count')
  })

  it('is made where a person has to set up a factor, and where none is asked for it is not', async () => {
    await begin()
    await showPassword(host, browser, 'mira')
    expect(await words()).to.deep.equal([])
    browser = new HttpClient()
    await showPassword(host, browser, 'mira', { claims: ESSENTIAL })
    expect(await words()).to.deep.equal(['enrol'])
  })

  it('is not made by a single sign-on that passes', async () => {
    await begin({ require: true })
    const person = await enrolled()
    await signIn(host, browser, person)
    await told()
    await visit()
    await visit({ prompt: 'none', client_id: 'other' })
    expect(await words()).to.deep.equal([])
  })

  it('is made where a request without a page is refused', async () => {
    await begin()
    await showPassword(host, browser, 'mira')
    await told()
    await visit({ prompt: 'none', claims: ESSENTIAL })
    expect(await words()).to.deep.equal(['enrol'])
  })

  it('R25 is made once where a set-up is due in a session that is too old for one, and no page may come', async () => {
    await begin({ policy: { rules: [STAFF_APP] } })
    await showPassword(host, browser, 'mira')
    host.clock.at += 600
    await told()
    const silent = { client_id: 'other', prompt: 'none' }
    expect(callbackOf(await visit(silent)).get('error')).to.equal('interaction_required')
    expect((await told()).map(({ decision, rules }) => [decision, rules])).to.deep.equal([
      ['enrol', ['staff app']],
    ])
    // The password itself is too old for this request.
    const again = callbackOf(await visit({ ...silent, max_age: '60' }))
    expect(again.get('error')).to.equal('login_required')
  })

  it('R25 is made once where the first factor is too old for a rule, and no page may come', async () => {
    const rules = [{ name: 'fresh', when: { client: 'other' }, maxAgeSeconds: 60 }]
    await begin({ policy: { rules } })
    await showPassword(host, browser, 'mira')
    host.clock.at += 61
    await told()
    const back = callbackOf(await visit({ client_id: 'other', prompt: 'none' }))
    expect(back.get('error')).to.equal('login_required')
    expect((await told()).map(({ decision, rules }) => [decision, rules])).to.deep.equal([
      ['verify', ['fresh']],
    ])
  })

  it('R24 is made once where a person who is signed in is refused a level that nobody can reach', async () => {
    await begin({ require: true })
    await signIn(host, browser, await enrolled())
    await told()
    for (const parameters of [{}, { prompt: 'none' }]) {
      const back = callbackOf(await visit({ claims: NOBODY, ...parameters }))
      expect(back.get('error')).to.equal('unmet_authentication_requirements')
      const [one, ...others] = await told()
      expect(others).to.deep.equal([])
      expect(one).to.deep.include({
        decision: 'refuse',
        rules: ['set up by the person', 'require'],
        clientId: 'app',
      })
    }
    await host.mfa.accounts.passwordChanged('mira')
    await told()
    await visit({ claims: NOBODY })
    expect(await words()).to.deep.equal([])
  })

  it('is made where a request passes after a page that offers a factor', async () => {
    await begin()
    await showPassword(host, browser, 'mira', { acr_values: MULTI_FACTOR_ACR })
    expect(await words()).to.deep.equal(['pass'])
  })

  it('is not made before it is known who signs in', async () => {
    await begin()
    await visit({ claims: NOBODY })
    await visit()
    expect(await words()).to.deep.equal([])
  })

  it('has the decision of the rules on trial where it differs, also for a request that passes', async () => {
    await begin({
      policy: { shadow: [{ name: 'trial', when: { client: 'other' }, require: 'multi-factor' }] },
    })
    await showPassword(host, browser, 'mira')
    await visit()
    expect(await words()).to.deep.equal([])
    await visit({ client_id: 'other' })
    const [one, ...others] = await told()
    expect(others).to.deep.equal([])
    expect(one).to.deep.include({
      decision: 'pass',
      shadow: { decision: 'enrol', rules: ['trial'] },
    })
    expect(one?.rules).not.to.include('trial')
  })

  it('R47 is bounded for each account, however many requests a browser sends', async () => {
    await begin()
    await showPassword(host, browser, 'mira')
    await told()
    for (let nth = 0; nth < 13; nth += 1) await visit({ prompt: 'none', claims: ESSENTIAL })
    const events = await told()
    expect(events.map(({ count }) => count)).to.deep.equal([...Array(10).fill(undefined), 3])
    expect(events.at(-1)).to.include({ decision: 'enrol', clientId: 'app' })
    host.clock.at += 60
    for (let nth = 0; nth < 13; nth += 1) await visit({ claims: NOBODY })
    expect((await told()).map(({ count }) => count)).to.deep.equal([
      ...Array(10).fill(undefined),
      3,
    ])
  })

  it('can be listened to by itself', async () => {
    await begin()
    const heard: string[] = []
    host.mfa.on('policy-decided', ({ detail }) => heard.push(detail.decision ?? ''))
    await showPassword(host, browser, 'mira', { claims: ESSENTIAL })
    await host.mfa.settled()
    expect(heard).to.deep.equal(['enrol'])
  })
})
