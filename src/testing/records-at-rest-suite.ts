import { deepEqual, equal } from 'node:assert/strict'
import type { Adapter, AdapterPayload } from 'oidc-provider'
import type { HostRecords } from '../ports/host-records.ts'
import { globalRunner, storeTests } from './runner.ts'
import type { Make, Runner } from './runner.ts'

/** The host's records, and everything that their database has. */
export interface RecordsAtRest {
  readonly hostRecords: HostRecords
  /** All texts in the database, keys and contents, of every table or collection. */
  stored(): Promise<readonly string[]>
}

/**
 * A copy of the database is worth no session and no token (R39). The storages of this product promise that; the host's
 * contract does not require it.
 */
export function describeRecordsAtRest(
  name: string,
  make: Make<RecordsAtRest>,
  runner: Runner = globalRunner(),
): void {
  const test = storeTests(make, runner)

  runner.describe(`${name}: the host's records at rest`, () => {
    test('R39 has no value that a browser or an app presents, and no account', async ({
      hostRecords,
      stored,
    }) => {
      for (const [model, payload] of Object.entries(PAYLOADS)) {
        await hostRecords(model).upsert(idOf(model), payload, 60)
        deepEqual(await hostRecords(model).find(idOf(model)), payload, model)
      }
      await hasNone(stored)
      for (const model of Object.keys(PAYLOADS))
        if (model !== 'Session') await hostRecords(model).consume(idOf(model))
      await hostRecords('Session').destroy(idOf('Session'))
      await hasNone(stored)
    })

    test('R39 finds nothing by what the database has in its place', async ({
      hostRecords,
      stored,
    }) => {
      for (const [model, payload] of Object.entries(PAYLOADS))
        await hostRecords(model).upsert(idOf(model), payload, 60)
      const texts = (await stored()).flatMap(partsOf)
      equal(texts.length > Object.keys(PAYLOADS).length, true, 'the database has no texts')
      for (const model of Object.keys(PAYLOADS))
        for (const text of texts) await findsNothing(hostRecords(model), text)
    })

    test('finds a session by its uid and a device code by its user code, with their ids', async ({
      hostRecords,
    }) => {
      const { Session, DeviceCode } = PAYLOADS
      await hostRecords('Session').upsert(idOf('Session'), Session, 60)
      await hostRecords('DeviceCode').upsert(idOf('DeviceCode'), DeviceCode, 60)
      deepEqual(await hostRecords('Session').findByUid(UID), Session)
      deepEqual(await hostRecords('DeviceCode').findByUserCode(USER_CODE), DeviceCode)
    })

    test('R39 does not open a record that was moved to another id', async ({ hostRecords }) => {
      const tokens = hostRecords('AccessToken')
      await tokens.upsert(idOf('AccessToken'), PAYLOADS.AccessToken, 60)
      equal(await hostRecords('RefreshToken').find(idOf('AccessToken')), undefined)
      equal(await tokens.find(`${idOf('AccessToken')} `), undefined)
    })
  })
}

/** An id as the host makes it: 43 characters. */
const idOf = (model: string): string => `the-id-of-${model}-`.padEnd(43, 'x')

const UID = 'the-uid-of-the-session-'.padEnd(43, 'x')
const USER_CODE = 'BCDF-GHJK'
const ACCOUNT = 'the-id-of-the-account'

/** Each record has its own id, and names others as the host's records do. */
const PAYLOADS = {
  Session: { jti: idOf('Session'), uid: UID, accountId: ACCOUNT },
  Interaction: {
    jti: idOf('Interaction'),
    returnTo: `https://id.example/auth/${idOf('Interaction')}`,
    session: { accountId: ACCOUNT, uid: UID, cookie: idOf('Session') },
    deviceCode: idOf('DeviceCode'),
    parJti: idOf('PushedAuthorizationRequest'),
  },
  PushedAuthorizationRequest: { jti: idOf('PushedAuthorizationRequest'), request: 'e30.e30.' },
  AuthorizationCode: { jti: idOf('AuthorizationCode'), sessionUid: UID, grantId: 'grant' },
  AccessToken: { jti: idOf('AccessToken'), sessionUid: UID, grantId: 'grant' },
  RefreshToken: { jti: idOf('RefreshToken'), sessionUid: UID, grantId: 'grant' },
  Grant: { jti: idOf('Grant'), accountId: ACCOUNT, clientId: 'app' },
  DeviceCode: { jti: idOf('DeviceCode'), userCode: USER_CODE, sessionUid: UID },
  ClientCredentials: { jti: idOf('ClientCredentials') },
  InitialAccessToken: { jti: idOf('InitialAccessToken') },
  RegistrationAccessToken: { jti: idOf('RegistrationAccessToken') },
  BackchannelAuthenticationRequest: { jti: idOf('BackchannelAuthenticationRequest') },
} satisfies Readonly<Record<string, AdapterPayload>>

async function hasNone(stored: RecordsAtRest['stored']): Promise<void> {
  const all = (await stored()).join('\n')
  for (const value of [...Object.keys(PAYLOADS).map(idOf), UID, USER_CODE, ACCOUNT])
    for (const encoding of ['utf8', 'base64', 'base64url', 'hex'] as const) {
      const text = Buffer.from(value).toString(encoding).replaceAll('=', '')
      equal(all.includes(text), false, `${value} is in the database, in ${encoding}`)
    }
}

async function findsNothing(records: Adapter, text: string): Promise<void> {
  equal(await records.find(text), undefined)
  equal(await records.findByUid(text), undefined)
  equal(await records.findByUserCode(text), undefined)
}

/** A stored text, what stands behind the name of a model in it, and the texts in it if it is JSON. */
function partsOf(text: string): readonly string[] {
  const parts = [text, text.slice(text.indexOf(':') + 1)]
  try {
    JSON.parse(text, (_key, value: unknown) => {
      if (typeof value === 'string') parts.push(value)
      return value
    })
  } catch {
    return parts
  }
  return parts
}
