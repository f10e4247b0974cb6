import { expect } from 'chai'
import type { MfaOptions } from '../../src/index.ts'
import type { ServerStorage } from '../../src/ports/server-storage.ts'
import { counted } from '../support/counted.ts'
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

function countedStorage(storage: ServerStorage, note: (call: string) => void): ServerStorage {
  const { records, oneTime, counters, audit, hostRecords } = storage
  return {
    ...storage,
    records: counted('records', records, note),
    oneTime: counted('oneTime', oneTime, note),
    counters: counted('counters', counters, note),
    audit: counted('audit', audit, note),
    hostRecords: (model) => counted(model, hostRecords(model), note),
  }
}

describe('the cost of a single sign-on without a page', () => {
  let host: Host
  let browser: HttpClient
  const calls: string[] = []

  before(async () => {
    host = await startHost({
      // The host of this test has its app in its configuration, so it reads no client. `test/server/silent-cost.test.ts`
      // counts the reads of clients.
      storage: (clock) => countedStorage(STORAGES['memory']!(clock), (call) => calls.push(call)),
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
