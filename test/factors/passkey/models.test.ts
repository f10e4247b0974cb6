import { expect } from 'chai'
import { passkeys, type PasskeysOptions } from '../../../src/factors/passkey/index.ts'
import type { PasskeyState } from '../../../src/factors/passkey/state.ts'
import { makeCertificate, type Made } from '../../support/attestation-certificates.ts'
import { SoftAuthenticator } from '../../support/authenticator.ts'
import { entryOf, makeBlob, METADATA_ROOT, METADATA_SERVICE } from '../../support/metadata-blob.ts'
import { assertWith, NOW, register, registered } from './person.ts'

const MODEL = 'ee882879-721c-4913-9775-3dfcce97072a'
const OTHER_MODEL = '2fc0579f-8113-47ea-b116-bb5a8db9202a'
const UNKNOWN_MODEL = '11111111-2222-3333-4444-555555555555'

const root = makeCertificate({ name: 'Acme Root', isCa: true })
const otherRoot = makeCertificate({ name: 'Other Root', isCa: true })
const leaf = makeCertificate({ name: 'Acme Key', issuer: root })
const otherLeaf = makeCertificate({ name: 'Other Key', issuer: otherRoot })
const endedSigner = makeCertificate({
  name: METADATA_SERVICE,
  issuer: METADATA_ROOT,
  until: 2021,
})

type Entry = NonNullable<Parameters<typeof entryOf>[1]>

/** Options with metadata that have the model and another one. */
function withEntry(entry: Entry = {}, more: PasskeysOptions = {}, signer?: Made) {
  const entries = [
    entryOf(MODEL, { roots: [root], ...entry }),
    entryOf(OTHER_MODEL, { roots: [otherRoot] }),
  ]
  const metadata = makeBlob({ entries, ...(signer === undefined ? {} : { signer }) })
  const both = { metadata, metadataRoots: [METADATA_ROOT.pem] }
  return { attestation: 'direct', ...both, ...more } as const
}

const by =
  (maker: Made, ...chain: readonly Made[]) =>
  (text: string, key: SoftAuthenticator) =>
    key.attested(
      text,
      maker.privateKey,
      [maker, ...chain].map(({ der }) => der),
    )
const key = (aaguid = MODEL) => new SoftAuthenticator({ aaguid })
const MAKER = { refusal: 'maker' }
const UNDESIRED = [
  'REVOKED',
  'USER_VERIFICATION_BYPASS',
  'ATTESTATION_KEY_COMPROMISE',
  'USER_KEY_REMOTE_COMPROMISE',
  'USER_KEY_PHYSICAL_COMPROMISE',
]

describe('a passkey of a model in the metadata', () => {
  it('is attested by the certificates of its own entry, and not by those of another model', async () => {
    const options = withEntry()
    expect(await registered(key(), { options, answer: by(leaf) })).to.include({ attested: true })
    for (const [model, maker] of [
      [MODEL, otherLeaf],
      [OTHER_MODEL, leaf],
      [UNKNOWN_MODEL, leaf],
    ] as const) {
      const state = await registered(key(model), { options, answer: by(maker) })
      expect(state, model).not.to.have.property('attested')
    }
  })

  it('is attested by a root of the options too, whatever its model', async () => {
    const options = withEntry({}, { trustRoots: [otherRoot.pem] })
    const answer = by(otherLeaf)
    for (const model of [MODEL, UNKNOWN_MODEL])
      expect(await registered(key(model), { options, answer })).to.include({ attested: true })
  })

  it('is attested by a certificate of its own in the entry, which can attest no other one', async () => {
    const single = makeCertificate({ name: 'Acme Batch', issuer: otherRoot })
    const forged = makeCertificate({ name: 'Acme Key', issuer: single })
    const broken = { ...root, der: Buffer.from('3000', 'hex') }
    const options = withEntry({ roots: [broken, single] })
    expect(await registered(key(), { options, answer: by(single) })).to.include({ attested: true })
    for (const answer of [by(forged), by(forged, single)])
      expect(await registered(key(), { options, answer })).not.to.have.property('attested')
  })

  it('is not attested by metadata whose signer has ended', async () => {
    const options = withEntry({}, {}, endedSigner)
    const state = await registered(key(), { options, answer: by(leaf) })
    expect(state).not.to.have.property('attested')
  })
})

describe('a level in the list of allowed makers', () => {
  const L2 = { allow: ['FIDO_CERTIFIED_L2'] }
  const use = (mine: SoftAuthenticator, state: PasskeyState, options: PasskeysOptions) =>
    assertWith(mine, { options, states: [state] })

  it('allows an attested model of that level or a higher one, registered and used', async () => {
    for (const status of ['FIDO_CERTIFIED_L2', 'FIDO_CERTIFIED_L3plus']) {
      const options = withEntry({ reports: [status] }, L2)
      const mine = key()
      const state = await registered(mine, { options, answer: by(leaf) })
      expect(await use(mine, state, options)).to.have.property('proof')
    }
  })

  it('refuses a lower level, a model without an entry, and one that is not attested', async () => {
    const lower = withEntry({ reports: ['FIDO_CERTIFIED_L1'] }, L2)
    expect(await register(key(), { options: lower, answer: by(leaf) })).to.deep.equal(MAKER)
    const options = withEntry({}, { ...L2, trustRoots: [root.pem] })
    expect(await register(key(UNKNOWN_MODEL), { options, answer: by(leaf) })).to.deep.equal(MAKER)
    expect(await register(key(), { options })).to.deep.equal(MAKER)
    expect(await register(key(), { options, answer: by(otherLeaf) })).to.deep.equal(MAKER)
  })

  it('stands beside models', async () => {
    const options = withEntry({}, { allow: ['FIDO_CERTIFIED_L3', MODEL] })
    expect(await registered(key(), { options, answer: by(leaf) })).to.include({ attested: true })
    const other = { options, answer: by(otherLeaf) }
    expect(await register(key(OTHER_MODEL), other)).to.deep.equal(MAKER)
  })

  it('is asked again at each use, of the metadata of that day', async () => {
    const mine = key()
    const state = await registered(mine, { options: withEntry({}, L2), answer: by(leaf) })
    const lower = withEntry({ reports: ['FIDO_CERTIFIED_L2', 'NOT_FIDO_CERTIFIED'] }, L2)
    expect(await use(mine, state, lower)).to.deep.equal(MAKER)
    expect(await use(mine, state, withEntry({}, L2, endedSigner))).to.deep.equal(MAKER)
    expect(await use(mine, state, withEntry({}, { allow: [MODEL] }, endedSigner))).to.have.property(
      'proof',
    )
    expect(await use(mine, state, withEntry({}, L2))).to.have.property('proof')
  })

  it('tells the policy which passkeys can be used at a time', async () => {
    const state = await registered(key(), { options: withEntry({}, L2), answer: by(leaf) })
    const isUsable = (options: PasskeysOptions, now = NOW) =>
      passkeys(options).isUsable?.(state, now)
    expect(isUsable(withEntry({}, L2))).to.equal(true)
    expect(isUsable(withEntry({ reports: ['FIDO_CERTIFIED'] }, L2))).to.equal(false)
    const ending = withEntry({}, L2, endedSigner)
    expect(isUsable(ending)).to.equal(false)
    expect(isUsable(ending, Date.UTC(2020, 6) / 1000)).to.equal(true)
  })
})

describe('a model that is not trusted any more', () => {
  for (const status of UNDESIRED)
    it(`is not registered, attested or not, and not used where makers are listed: ${status}`, async () => {
      const mine = key()
      const before = { options: withEntry(), answer: by(leaf) }
      const state = await registered(mine, before)
      const entry = { reports: ['FIDO_CERTIFIED_L2', status, 'UPDATE_AVAILABLE'] }
      const everybody = withEntry(entry)
      expect(await register(key(), { options: everybody, answer: by(leaf) })).to.deep.equal(MAKER)
      expect(await register(key(), { options: everybody })).to.deep.equal(MAKER)
      for (const allow of [[MODEL], ['FIDO_CERTIFIED_L1']]) {
        const options = withEntry(entry, { allow })
        expect(await register(key(), { options, answer: by(leaf) })).to.deep.equal(MAKER)
        expect(await assertWith(mine, { options, states: [state] })).to.deep.equal(MAKER)
      }
      // Where every maker is allowed, nobody is locked out by a file.
      const used = await assertWith(mine, { options: everybody, states: [state] })
      expect(used).to.have.property('proof')
    })

  it('stays refused when the signer of the metadata has ended', async () => {
    const options = withEntry({ reports: ['REVOKED'] }, {}, endedSigner)
    expect(await register(key(), { options, answer: by(leaf) })).to.deep.equal(MAKER)
  })
})
