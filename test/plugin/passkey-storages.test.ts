import { expect } from 'chai'
import { passkeys } from '../../src/factors/passkey/index.ts'
import { backupCodes, totp } from '../../src/index.ts'
import { exported, registered } from '../factors/passkey/person.ts'
import { SoftAuthenticator, type Lies } from '../support/authenticator.ts'
import { HttpClient, type Page } from '../support/http-client.ts'
import { optionsOf } from '../support/passkey-options.ts'
import { requireMongodb } from '../support/requirements.ts'
import { follow, showPassword, startHost, type Host } from './host.ts'
import { onMongodb } from './mongodb-storage.ts'
import { STORAGES } from './recorded-storage.ts'
import { enrolledPerson, nextCode } from './sign-in.ts'

interface Creation {
  readonly user: { readonly id: string }
  readonly excludeCredentials: readonly { readonly id: string }[]
}

const handleIn = (options: string): string => (JSON.parse(options) as Creation).user.id

for (const name of [...Object.keys(STORAGES), 'MongoDB'])
  describe(`passkeys on ${name}`, function () {
    this.timeout(60_000)
    let host: Host
    let client: HttpClient
    let key: SoftAuthenticator
    let mongodb = ''
    before(async function () {
      if (name === 'MongoDB') mongodb = await requireMongodb(this)
    })
    beforeEach(async () => {
      host = await startHost({
        storage: STORAGES[name] ?? (await onMongodb(mongodb)),
        hostname: 'localhost',
        mfa: { factors: [passkeys(), totp(), backupCodes()], manage: { clients: ['app'] } },
      })
      client = new HttpClient()
      key = new SoftAuthenticator({ origin: new URL(host.issuer).origin })
    })
    afterEach(() => host.close())

    /** Sets up the passkey in a first sign-in. */
    async function enrol(): Promise<void> {
      const ways = await showPassword(host, client, 'mira')
      const page = await follow(host, client, await client.submit(ways, { factor: 'passkey' }))
      const credential = key.create(optionsOf(page))
      const codes = await follow(host, client, await client.submit(page, { credential }))
      expect(codes.body).to.include('data-page="backup-codes"')
      await follow(host, client, await client.submit(codes, { saved: 'yes' }))
    }

    it('R28 are set up and used, with a challenge that one response spends', async () => {
      await enrol()
      const later = new HttpClient()
      const page = await showPassword(host, later, 'mira')
      expect(page.body).to.include('data-page="passkey-verify"')
      const wrong = key.get(optionsOf(page), { origin: 'https://evil.example' })
      const refused = await later.submit(page, { credential: wrong })
      expect(refused.status).to.equal(422)
      expect(optionsOf(refused)).not.to.equal(optionsOf(page))
      const late = key.get(optionsOf(page))
      expect((await later.submit(refused, { credential: late })).status).to.equal(422)
      const again = await showPassword(host, later, 'mira')
      const answer = await later.submit(again, { credential: key.get(optionsOf(again)) })
      expect(answer.status).to.equal(303)
    })

    /** Signs in on a page of the second factor, and answers whether the passkey was accepted. */
    async function answers(device: SoftAuthenticator, lies: Lies = {}): Promise<boolean> {
      const browser = new HttpClient()
      const page = await showPassword(host, browser, 'mira')
      const { origin } = new URL(host.issuer)
      const credential = device.get(optionsOf(page), { origin, ...lies })
      const { status } = await browser.submit(page, { credential })
      expect(status).to.be.oneOf([303, 422])
      return status === 303
    }

    it('are two of one person: each is used, in any order, and has a counter of its own', async () => {
      const [older, newer] = [new SoftAuthenticator(), new SoftAuthenticator()]
      const list = await Promise.all([older, newer].map(async (each) => registered(each)))
      const fields = { passkeys: list.map(exported) }
      const { import: take } = host.mfa.accounts
      expect(await take('mira', fields)).to.deep.include({ outcome: 'imported' })
      for (const device of [newer, older, newer, older])
        expect(await answers(device)).to.equal(true)
      expect(await answers(older, { counter: 1 })).to.equal(false)
      expect(await answers(newer)).to.equal(true)
      expect(await answers(new SoftAuthenticator())).to.equal(false)
      const { factors } = await host.mfa.accounts.status('mira')
      expect(factors.map(({ factor }) => factor)).to.deep.equal(['passkey', 'passkey'])
      // Both are findable still, so no other account can have one of them.
      for (const passkey of fields.passkeys)
        expect(await take('noor', { passkeys: [passkey] })).to.deep.equal({
          outcome: 'refused',
          faults: [{ field: 'passkeys[0]', code: 'authenticator-taken' }],
        })
    })

    it('are filed by one user handle, also where two tabs set them up at once', async () => {
      const person = await enrolledPerson(host)
      const asked = { mfa_action: 'add:passkey', prompt: 'login' }
      const open = async (): Promise<Page> => {
        const verify = await showPassword(host, client, 'mira', asked)
        if (verify.name === 'totp-verify')
          return client.submit(verify, { code: nextCode(host, person) })
        return client.submit(verify, { credential: key.get(optionsOf(verify)) })
      }
      const proved = [await open(), await open()]
      const pages = await Promise.all(proved.map((page) => follow(host, client, page)))
      const handles = pages.map((page) => optionsOf(page)).map(handleIn)
      expect(handles[1]).to.equal(handles[0])
      const devices = [key, new SoftAuthenticator({ origin: new URL(host.issuer).origin })] as const
      const answers = await Promise.all(
        devices.map((device, nth) => {
          const page = pages[nth]!
          return client.submit(page, { credential: device.create(optionsOf(page)) })
        }),
      )
      expect(answers.map(({ status }) => status)).to.deep.equal([303, 303])
      const { factors } = await host.mfa.accounts.status('mira')
      expect(factors.filter(({ factor }) => factor === 'passkey')).to.have.length(2)
      // A page that is opened later excludes both.
      const later = JSON.parse(optionsOf(await follow(host, client, await open()))) as Creation
      expect(later.user.id).to.equal(handles[0])
      expect(later.excludeCredentials.map(({ id }) => id)).to.have.members(
        devices.map(({ credentialId }) => credentialId),
      )
    })

    it('R29 tell of a counter that did not grow', async () => {
      await enrol()
      const later = new HttpClient()
      const page = await showPassword(host, later, 'mira')
      await later.submit(page, { credential: key.get(optionsOf(page)) })
      const again = await showPassword(host, later, 'mira', { prompt: 'login' })
      const credential = key.get(optionsOf(again), { counter: 1 })
      expect((await later.submit(again, { credential })).status).to.equal(422)
      await host.mfa.settled()
      expect(host.events.map(({ type }) => type)).to.include('passkey-cloned')
    })
  })
