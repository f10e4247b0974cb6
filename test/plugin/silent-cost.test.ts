import { expect } from 'chai'
import type { MfaOptions } from '../../src/index.ts'
import type { ServerStorage } from '../../src/ports/server-storage.ts'
import type { HttpClient } from '../support/http-client.ts'
import { authorizeUrl, callbackOf, defaultConfiguration, startHost, type Host } from './host.ts'
import { STORAGES } from './recorded-storage.ts'
import { enrolledPerson } from './sign-in.ts'

type Rules = NonNullable<NonNullable<MfaOptions['policy']>['rules']>

/** 200 rules with every kind of condition. One in ten matches, and the sign-in has met them all. */
const RULES: Rules = Array.from({ length: 200 }, (_, nth) => ({
  name: `rule ${nth}`,
  when:
    nth % 10 === 0
      ? { group: ['staff', '!guests'], network: '127.0.0.0/8', newBrowser: false }
      : { client: [`client-${nth}`], scope: 'email', firstParty: true },
  require: 'multi-factor',
  maxAgeSeconds: 3_600 + nth,
  ...(nth % 20 === 0 ? { enrol: { graceSeconds: 86_400 } } : {}),
}))

/** Writes each call of a port into a list, as `records.load`. */
function counted<T extends object>(port: string, inner: T, calls: string[]): T {
  return new Proxy(inner, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target)
      if (typeof member !== 'function') return member
      return (...args: unknown[]): unknown => {
        calls.push(`${port}.${String(name)}`)
        return (member as (...args: unknown[]) => unknown).apply(target, args)
      }
    },
  })
}

function countedStorage(storage: ServerStorage, calls: string[]): ServerStorage {
  const { records, oneTime, counters, audit, hostRecords } = storage
  return {
    ...storage,
    records: counted('records', records, calls),
    oneTime: counted('oneTime', oneTime, calls),
    counters: counted('counters', counters, calls),
    audit: counted('audit', audit, calls),
    hostRecords: (model) => counted(model, hostRecords(model), calls),
  }
}

describe('the cost of a single sign-on without a page', () => {
  let host: Host
  let browser: HttpClient
  const calls: string[] = []

  before(async () => {
    host = await startHost({
      // The app is one of the configuration, so that the host reads no client.
      storage: (clock) => countedStorage(STORAGES['memory']!(clock), calls),
      mfa: {
        describe: ({ accountId }) => {
          calls.push('describe')
          return { label: accountId, groups: ['staff'] }
        },
      },
      configuration: {
        async findAccount(ctx, sub, token) {
          calls.push('findAccount')
          return defaultConfiguration(host.storage).findAccount!(ctx, sub, token)
        },
      },
    })
    ;({ browser } = await enrolledPerson(host))
    host.mfa.setPolicy({ rules: RULES })
  })
  after(() => host.close())

  it('is two reads and two writes of the host and one read of the account, with 200 rules', async () => {
    calls.splice(0)
    callbackOf(await browser.get(authorizeUrl(host, { prompt: 'none' })))
    await host.mfa.settled()
    expect(calls.toSorted()).to.deep.equal([
      'AuthorizationCode.upsert',
      'Grant.find',
      'Session.find',
      'Session.upsert',
      'describe',
      'findAccount',
      'records.load',
    ])
  })
})
