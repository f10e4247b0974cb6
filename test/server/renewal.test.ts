import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { decodeProtectedHeader } from 'jose'
import { secretBox } from '../../src/adapters/crypto/index.ts'
import { encryptionKeysInUse, retireEncryptionKeys } from '../../src/server/keys/encryption-keys.ts'
import { addSigningKey, type KeyServices } from '../../src/server/keys/signing-keys.ts'
import { HttpClient } from '../support/http-client.ts'
import { totpCode } from '../support/totp.ts'
import {
  addPerson,
  atTheApp,
  redeem,
  signIn,
  startServer,
  stopServers,
  type TestServer,
} from './support.ts'

const MOST_LOOKS = 500

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let looks = 0; looks < MOST_LOOKS; looks += 1) {
    if (await isSo()) return
    await sleep(10)
  }
  throw new Error('It never came to be so')
}

describe('a server whose storage changes while it runs', function () {
  this.timeout(20_000)
  let server: TestServer
  let services: KeyServices
  beforeEach(async () => {
    server = await startServer({ renewalMilliseconds: 10 })
    const { config, storage } = server
    services = {
      settings: storage.settings,
      box: secretBox({ keys: config.encryptionKeys }),
    }
  })
  afterEach(stopServers)

  async function publishedKids(): Promise<string[]> {
    const response = await fetch(new URL('/jwks', server.url))
    const { keys } = (await response.json()) as { keys: { kid: string }[] }
    return keys.map(({ kid }) => kid)
  }

  it('signs with a new key without a restart, and nobody who is signing in notices', async () => {
    const before = await publishedKids()
    const person = await addPerson(server)
    const browser = new HttpClient()
    const first = await redeem(server, await signIn(browser, server.authorize(), person, server))
    expect(decodeProtectedHeader(String(first.body['id_token'])).kid).to.equal(before[0])

    const midway = new HttpClient()
    const login = await midway.visit(server.authorize(), atTheApp)
    const { username, password } = person
    const page = await midway.follow(await midway.submit(login, { username, password }), atTheApp)
    expect(page.name).to.equal('totp-verify')
    const times = { now: server.clock.now(), keptSeconds: 86_400 }
    const { kid } = await addSigningKey(services, 'RS256', times)
    await until(async () => (await publishedKids()).includes(kid))

    server.clock.ahead += 60
    const code = totpCode({ secret: person.secret ?? '' }, server.clock.now())
    const done = await midway.follow(await midway.submit(page, { code }), atTheApp)
    const { status, body } = await redeem(server, done)
    expect(status).to.equal(200)
    expect(decodeProtectedHeader(String(body['id_token'])).kid).to.equal(kid)
    expect(await publishedKids()).to.include.members(before)
  })

  it('R37 answers nothing while a restore has not finished, and goes on by itself', async () => {
    const status = async (): Promise<number> => (await fetch(new URL('/jwks', server.url))).status
    const run = { startedAt: 1 }
    await services.settings.insert('restore', run)
    await until(async () => (await status()) === 503)
    expect((await new HttpClient().get(server.authorize())).status).to.equal(503)
    const health = (path: string) => fetch(new URL(`/health/${path}`, server.url))
    expect([(await health('live')).status, (await health('ready')).status]).to.deep.equal([
      200, 503,
    ])
    await services.settings.replace('restore', { ...run, finishedAt: 2 }, run)
    await until(async () => (await status()) === 200)
  })

  it('R35 notes a key as in use again that was retired while it sealed with it', async () => {
    const [own] = services.box.keyIds
    await retireEncryptionKeys(services.settings, [own])
    await until(async () => (await encryptionKeysInUse(services.settings)).includes(own))
  })
})
