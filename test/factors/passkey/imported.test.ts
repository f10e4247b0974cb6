import { expect } from 'chai'
import { passkeys } from '../../../src/factors/passkey/index.ts'
import type { PasskeyState } from '../../../src/factors/passkey/state.ts'
import { SoftAuthenticator, type Algorithm } from '../../support/authenticator.ts'
import { cbor } from '../../support/cbor.ts'
import { assertWith, exported, registered } from './person.ts'

const { imports } = passkeys()
const read = (given: unknown) => Promise.resolve(imports!.read(given))

async function stateOf(given: unknown): Promise<PasskeyState> {
  const one = await read(given)
  if ('fault' in one) throw new Error(one.fault)
  return one.state
}

describe('a passkey of another application', () => {
  for (const algorithm of [-7, -8, -257] as Algorithm[])
    it(`is what it was, and answers: algorithm ${algorithm}`, async () => {
      const device = new SoftAuthenticator({ algorithm, counter: 7 })
      const state = await registered(device)
      const imported = await stateOf(exported(state))
      expect({ ...imported, lastChallenge: '' }).to.deep.equal({ ...state, lastChallenge: '' })
      const asserted = await assertWith(device, { states: [imported] })
      expect(asserted.refusal).to.equal(undefined)
    })

  it('may be written in snake_case, and has defaults for what an application may not have kept', async () => {
    const state = await registered(new SoftAuthenticator({ userVerified: false }))
    const { id, publicKey, userHandle, counter, backupEligible, backedUp } = state
    const given = {
      id,
      public_key: publicKey,
      user_handle: userHandle,
      counter,
      backup_eligible: backupEligible,
      backed_up: backedUp,
    }
    expect(await read(given)).to.deep.include({ name: '' })
    expect(await stateOf(given)).to.deep.include({
      userVerified: true,
      transports: [],
      aaguid: '00000000-0000-0000-0000-000000000000',
    })
    expect((await stateOf({ ...given, user_verified: false })).userVerified).to.equal(false)
  })

  it('keeps its name, or gets that of its maker', async () => {
    const state = await registered(new SoftAuthenticator())
    const one = { ...exported(state), aaguid: 'D548826E-79B4-DB40-A3D8-11116F7E8349' }
    expect(await read(one)).to.include({ name: 'Bitwarden' })
    expect(await read({ ...one, name: 'Blue key' })).to.include({ name: 'Blue key' })
  })

  it('is refused with the name of the member that is unfit', async () => {
    const state = await registered(new SoftAuthenticator())
    const good = exported(state)
    const weak = Buffer.from([...Buffer.from(good.publicKey, 'base64url'), 0])
    for (const [member, value] of [
      ['id', ''],
      ['id', 'a b'],
      ['id', Buffer.alloc(1024).toString('base64url')],
      ['publicKey', undefined],
      ['publicKey', 'AAAA'],
      ['publicKey', '_w'],
      ['publicKey', weak.toString('base64url')],
      ['userHandle', undefined],
      ['userHandle', Buffer.alloc(65).toString('base64url')],
      ['counter', -1],
      ['counter', '0'],
      ['counter', 2 ** 32],
      ['transports', 'usb'],
      ['aaguid', 'none'],
      ['aaguid', 7],
      ['backupEligible', undefined],
      ['backedUp', 1],
      ['backedUp', true],
      ['backedUp', undefined],
      ['userVerified', 'yes'],
      ['name', 7],
    ] as const)
      expect(await read({ ...good, [member]: value }), `${member} ${value}`).to.deep.equal({
        fault: member,
      })
    for (const given of [null, 7, 'text', []])
      expect(await read(given), String(given)).to.deep.equal({ fault: 'id' })
  })

  it('is refused with a key of another algorithm than it names, or of none that is known', async () => {
    for (const change of [new Map([[3, -257]]), new Map([[3, -35]]), new Map([[-1, 2]])]) {
      const device = new SoftAuthenticator()
      const key = new Map([...device.key, ...change])
      const state = await registered(new SoftAuthenticator())
      const publicKey = Buffer.from(cbor(key)).toString('base64url')
      expect(await read({ ...exported(state), publicKey })).to.deep.equal({ fault: 'publicKey' })
    }
  })

  it('is one with another of the same id or the same key', async () => {
    const [one, other] = await Promise.all([1, 2].map(() => registered(new SoftAuthenticator())))
    expect(imports!.isSame(one!, one!)).to.equal(true)
    expect(imports!.isSame(one!, other!)).to.equal(false)
    expect(imports!.isSame(one!, { ...other!, id: one!.id })).to.equal(true)
    expect(imports!.isSame(one!, { ...other!, publicKey: one!.publicKey })).to.equal(true)
  })
})
