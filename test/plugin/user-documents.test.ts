import { expect } from 'chai'
import mongoose, { type Model } from 'mongoose'
import { memoryStorage } from '../../src/adapters/memory/index.ts'
import { mfaFields, mongooseStorage } from '../../src/adapters/mongoose/index.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { openDatabase } from '../support/mongodb.ts'
import { requireMongodb } from '../support/requirements.ts'
import {
  authorizeUrl,
  callbackOf,
  follow,
  redeem,
  showPassword,
  startHost,
  type Host,
} from './host.ts'
import { introspect, refresh } from './relying-party.ts'
import { signedInSessions } from './recorded-storage.ts'
import { enrolledPerson, nextCode, signIn, type Person } from './sign-in.ts'

interface User {
  _id: string
  passwordHash: string
  city?: string
}

describe('a second factor in the application’s user documents', () => {
  let host: Host
  let User: Model<User>
  let mira: Person
  let browser: HttpClient
  let close: () => Promise<void>
  /** The number of queries for a user that the database has received. */
  let reads: number
  /** Whether the application's `findAccount` reads the user together with the record. */
  let together = false

  before(async function () {
    await requireMongodb(this)
  })
  beforeEach(async function () {
    const database = await openDatabase(await requireMongodb(this), { monitorCommands: true })
    reads = 0
    database.connection.getClient().on('commandStarted', ({ commandName, command }) => {
      if (commandName === 'find' && command.find === 'users') reads += 1
    })
    close = database.close
    const schema = new mongoose.Schema<User>({ _id: String, passwordHash: String, city: String })
    schema.plugin(mfaFields, { passwordPath: 'passwordHash' })
    User = database.connection.model('User', schema)
    await User.create({ _id: 'mira', passwordHash: 'old' })
    const storage = mongooseStorage(User)
    host = await startHost({
      storage: (clock) => ({ ...memoryStorage({ clock }), ...storage }),
      configuration: {
        async findAccount(_ctx, sub) {
          const user = together ? await storage.findUser(sub) : await User.findById(sub)
          return user === null || user === undefined
            ? undefined
            : { accountId: user.id, claims: async () => ({ sub, ...user.toJSON() }) }
        },
      },
    })
    mira = await enrolledPerson(host)
    browser = new HttpClient()
  })
  afterEach(async () => {
    together = false
    await host?.close()
    await close?.()
  })

  const visit = async (parameters: Record<string, string> = {}): Promise<Page> =>
    follow(host, browser, await browser.get(authorizeUrl(host, parameters)))

  async function changePassword(): Promise<void> {
    const user = (await User.findById('mira'))!
    user.passwordHash = 'new'
    await user.save()
  }

  it('signs in while the profile is edited, and neither loses anything', async () => {
    const edited = (await User.findById('mira'))!
    const verify = await showPassword(host, browser, 'mira')
    edited.city = 'Bern'
    const code = nextCode(host, mira)
    const [proved] = await Promise.all([browser.submit(verify, { code }), edited.save()])
    expect(callbackOf(await follow(host, browser, proved)).get('code')).to.be.a('string')
    expect((await User.findById('mira'))!.city).to.equal('Bern')
    const again = await showPassword(host, new HttpClient(), 'mira')
    expect(again.name).to.equal('totp-verify')
  })

  it('are read once in a request, with the record, where the application asks the storage for its user', async () => {
    await signIn(host, browser, mira)
    const silently = async (): Promise<number> => {
      reads = 0
      expect(callbackOf(await visit({ prompt: 'none' })).get('code')).to.be.a('string')
      return reads
    }
    expect(await silently()).to.equal(2)
    together = true
    expect(await silently()).to.equal(1)
    const another = new HttpClient()
    const consent = await signIn(host, another, mira, {
      scope: 'openid offline_access',
      prompt: 'consent',
    })
    const back = await follow(host, another, await another.submit(consent))
    reads = 0
    const { tokens } = await redeem(host, callbackOf(back))
    expect(reads).to.equal(1)
    reads = 0
    expect((await refresh(host, tokens.refresh_token!)).json).to.include.keys('access_token')
    expect(reads).to.equal(1)
    await changePassword()
    expect(callbackOf(await visit({ prompt: 'none' })).get('error')).to.equal('login_required')
  })

  it('R20 a password that is saved ends sessions and tokens of the old one, with no call of ours', async () => {
    const parameters = { scope: 'openid email offline_access', prompt: 'consent' }
    const consent = await signIn(host, browser, mira, parameters)
    const back = await follow(host, browser, await browser.submit(consent))
    const { tokens } = await redeem(host, callbackOf(back))
    const { access_token: access = '', refresh_token: offline = '' } = tokens
    expect((await introspect(host, access)).json).to.include({ active: true })
    await changePassword()
    expect((await introspect(host, access)).json).to.deep.equal({ active: false })
    expect((await refresh(host, offline)).json.error).to.equal('invalid_grant')
    expect(callbackOf(await visit({ prompt: 'none' })).get('error')).to.equal('login_required')
    expect((await visit()).name).to.equal('host-login')
  })

  it('R20 a password that is saved ends the sign-in that the old one has begun', async () => {
    const verify = await showPassword(host, browser, 'mira')
    const before = host.writes.length
    await changePassword()
    const late = await browser.submit(verify, { code: nextCode(host, mira) })
    expect([late.status, late.name]).to.deep.equal([410, 'expired'])
    expect(signedInSessions(host.writes.slice(before))).to.deep.equal([])
  })

  it('R20 signs in with the new password, and tells once that it was changed', async () => {
    await changePassword()
    expect(callbackOf(await signIn(host, browser, mira)).get('code')).to.be.a('string')
    await host.mfa.settled()
    const raised = host.events.filter(
      ({ type, detail }) => type === 'epoch-raised' && detail.reason === 'password-changed',
    )
    expect(raised.map(({ detail }) => detail.epoch)).to.deep.equal([3])
    expect((await host.mfa.accounts.status('mira')).epoch).to.equal(3)
  })

  it('asks nobody to try again later where the users’ validator has no place for the record', async () => {
    const verify = await showPassword(host, browser, 'mira')
    const validate = (validator: object): Promise<unknown> =>
      User.db.db!.command({ collMod: User.collection.name, validator })
    const known = { _id: {}, passwordHash: {}, city: {}, __v: {} }
    await validate({ $jsonSchema: { properties: known, additionalProperties: false } })
    const code = nextCode(host, mira)
    const refused = await browser.submit(verify, { code })
    expect([refused.status, refused.name, refused.headers['retry-after']]).to.deep.equal([
      500,
      'error',
      undefined,
    ])
    await validate({ $jsonSchema: { properties: { ...known, mfa: {} } } })
    const signedIn = await follow(host, browser, await browser.submit(verify, { code }))
    expect(callbackOf(signedIn).get('code')).to.be.a('string')
  })

  it('signs in nobody who was deleted meanwhile, and makes nobody anew', async () => {
    const verify = await showPassword(host, browser, 'mira')
    await User.deleteOne({ _id: 'mira' })
    const before = host.writes.length
    const late = await browser.submit(verify, { code: nextCode(host, mira) })
    expect(late.status).to.be.within(400, 499)
    expect(signedInSessions(host.writes.slice(before))).to.deep.equal([])
    expect(await User.countDocuments()).to.equal(0)
  })
})
