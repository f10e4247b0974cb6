import { expect } from 'chai'
import { passkeys, type PasskeysOptions } from '../../../src/factors/passkey/index.ts'
import { assuranceOf } from '../../../src/factors/passkey/assertion.ts'
import { parseState, type PasskeyState } from '../../../src/factors/passkey/state.ts'
import { makeCertificate } from '../../support/attestation-certificates.ts'
import { SoftAuthenticator } from '../../support/authenticator.ts'
import { entryOf, makeBlob, METADATA_ROOT, METADATA_SERVICE } from '../../support/metadata-blob.ts'
import { parseResponse } from '../../../src/factors/passkey/response.ts'
import { assertWith, creation, NOW, registered } from './person.ts'

const MODEL = 'ee882879-721c-4913-9775-3dfcce97072a'
const root = makeCertificate({ name: 'Acme Root', isCa: true })
const leaf = makeCertificate({ name: 'Acme Key', issuer: root })
const ended = makeCertificate({
  name: METADATA_SERVICE,
  issuer: METADATA_ROOT,
  until: 2021,
})

type Entry = NonNullable<Parameters<typeof entryOf>[1]>

function withEntry(entry: Entry = {}, more: PasskeysOptions = {}, signer = {}) {
  const metadata = makeBlob({ entries: [entryOf(MODEL, { roots: [root], ...entry })], ...signer })
  return { attestation: 'direct', metadata, metadataRoots: [METADATA_ROOT.pem], ...more } as const
}
const attested = (text: string, key: SoftAuthenticator) =>
  key.attested(text, leaf.privateKey, [leaf.der])

/** Whether a passkey proves hardware, by a response and by its state, which have to say the same. */
async function provesHardware(
  key: SoftAuthenticator,
  state: PasskeyState,
  options: PasskeysOptions,
): Promise<boolean> {
  const asserted = await assertWith(key, { options, states: [state] })
  if (asserted.refusal !== undefined) throw new Error(asserted.refusal)
  const { hardware } = assuranceOf(asserted.proof)
  expect(passkeys(options).strengthOf?.(state, NOW)).to.deep.equal({
    kinds: ['possession', 'knowledge'],
    phishingResistant: true,
    ...(hardware === undefined ? {} : { hardware }),
  })
  return hardware === true
}

async function keyWith(options: PasskeysOptions, device: object = {}, answer = attested) {
  const key = new SoftAuthenticator({ aaguid: MODEL, ...device })
  return { key, state: await registered(key, { options, answer }) }
}

describe('a passkey in hardware', () => {
  it('is attested by its entry, certified, and protected by hardware', async () => {
    const options = withEntry()
    const { key, state } = await keyWith(options)
    expect(state).to.include({ attested: true, attestedByEntry: true })
    expect(parseState(state)).to.deep.equal(state)
    expect(await provesHardware(key, state, options)).to.equal(true)
  })

  it('proves it when it is set up', async () => {
    for (const [answer, hardware] of [
      [attested, true],
      [(text: string, key: SoftAuthenticator) => key.create(text), undefined],
    ] as const) {
      const { pending, challenge, text } = creation(withEntry())
      const key = new SoftAuthenticator({ aaguid: MODEL })
      const response = parseResponse({ credential: answer(text, key) })
      const confirmed = await passkeys(withEntry()).confirmEnrolment?.(pending, response!, NOW, {
        challenge,
        existing: [],
      })
      expect(confirmed?.assurance.hardware).to.equal(hardware)
    }
  })

  it('may be in a secure element, and in an isolated part of a processor that is hardware', async () => {
    for (const keyProtection of [['secure_element'], ['hardware', 'tee'], ['hardware']]) {
      const options = withEntry({ keyProtection })
      const { key, state } = await keyWith(options)
      expect(await provesHardware(key, state, options), String(keyProtection)).to.equal(true)
    }
  })

  const present: readonly (readonly [string, Entry])[] = [
    ['its model is protected by software', { keyProtection: ['software'] }],
    ['its model is protected by both', { keyProtection: ['hardware', 'software'] }],
    ['its model is isolated, and not said to be hardware', { keyProtection: ['tee'] }],
    ['nothing is said of its protection', { keyProtection: [] }],
    ['its model is not certified', { reports: ['NOT_FIDO_CERTIFIED'] }],
    ['its model is no longer certified', { reports: ['FIDO_CERTIFIED', 'NOT_FIDO_CERTIFIED'] }],
    ['its model has no report', { reports: [] }],
    ...[
      'REVOKED',
      'USER_VERIFICATION_BYPASS',
      'ATTESTATION_KEY_COMPROMISE',
      'USER_KEY_REMOTE_COMPROMISE',
      'USER_KEY_PHYSICAL_COMPROMISE',
    ].map(
      (status) =>
        [`its model has the report ${status}`, { reports: ['FIDO_CERTIFIED', status] }] as const,
    ),
  ]
  for (const [why, entry] of present)
    it(`is none where ${why}, by the metadata of the day of its use`, async () => {
      const { key, state } = await keyWith(withEntry())
      expect(await provesHardware(key, state, withEntry(entry))).to.equal(false)
      expect(await provesHardware(key, state, withEntry())).to.equal(true)
    })

  it('is none without metadata, without its entry, and with metadata whose signer has ended', async () => {
    const { key, state } = await keyWith(withEntry())
    const others = makeBlob({ entries: [] })
    for (const options of [
      {},
      withEntry({}, { metadata: others }),
      withEntry({}, {}, { signer: ended }),
    ])
      expect(await provesHardware(key, state, options)).to.equal(false)
  })

  const isJudgedHard = (state: PasskeyState, options: PasskeysOptions): boolean =>
    passkeys(options).judgedAs?.(state).hardware === true

  const lost: readonly (readonly [string, PasskeysOptions])[] = [
    [
      'its model is no longer certified',
      withEntry({ reports: ['FIDO_CERTIFIED', 'NOT_FIDO_CERTIFIED'] }),
    ],
    ['its model is revoked', withEntry({ reports: ['FIDO_CERTIFIED', 'REVOKED'] })],
    ['the signer of the metadata has ended', withEntry({}, {}, { signer: ended })],
    ['the metadata have lost its entry', withEntry({}, { metadata: makeBlob({ entries: [] }) })],
    ['there are no metadata any more', {}],
  ]
  for (const [why, options] of lost)
    it(`is still judged as one where ${why}`, async () => {
      const { key, state } = await keyWith(withEntry())
      expect(await provesHardware(key, state, options)).to.equal(false)
      expect(isJudgedHard(state, options)).to.equal(true)
    })

  it('is judged as one while it is one', async () => {
    const { state } = await keyWith(withEntry())
    expect(isJudgedHard(state, withEntry())).to.equal(true)
  })

  it('is judged as none where it never was one', async () => {
    const { state } = await keyWith(withEntry())
    for (const entry of [{ keyProtection: ['software'] }, { reports: ['NOT_FIDO_CERTIFIED'] }])
      expect(isJudgedHard(state, withEntry(entry))).to.equal(false)
    const copied = await keyWith(withEntry(), { backupEligible: true })
    const plain = await keyWith(withEntry(), {}, (text, key) => key.create(text))
    for (const other of [copied, plain])
      expect(isJudgedHard(other.state, withEntry())).to.equal(false)
  })

  it('is none that can be copied, and none that its entry has not attested', async () => {
    const options = withEntry()
    const copied = await keyWith(options, { backupEligible: true })
    expect(copied.state).to.include({ attestedByEntry: true })
    expect(await provesHardware(copied.key, copied.state, options)).to.equal(false)
    const plain = await keyWith(options, {}, (text, key) => key.create(text))
    expect(await provesHardware(plain.key, plain.state, options)).to.equal(false)
    const otherRoot = makeCertificate({ name: 'Other Root', isCa: true })
    const otherLeaf = makeCertificate({ name: 'Other Key', issuer: otherRoot })
    const trusting = withEntry({}, { trustRoots: [otherRoot.pem] })
    const byRoot = await keyWith(trusting, {}, (text, key) =>
      key.attested(text, otherLeaf.privateKey, [otherLeaf.der]),
    )
    expect(byRoot.state).to.include({ attested: true }).and.not.to.have.property('attestedByEntry')
    expect(await provesHardware(byRoot.key, byRoot.state, trusting)).to.equal(false)
  })

  it('is a strength of the factor with metadata alone', () => {
    expect(passkeys(withEntry()).strength).to.include({ hardware: true })
    const direct = { attestation: 'direct', trustRoots: [root.pem] } as const
    for (const options of [{}, direct])
      expect(passkeys(options).strength).not.to.have.property('hardware')
  })

  it('has a state that is refused where it does not parse', async () => {
    const { state } = await keyWith(withEntry())
    for (const attestedByEntry of [false, 'yes', null])
      expect(() => parseState({ ...state, attestedByEntry }))
        .to.throw()
        .with.property('code', 'record-unreadable')
  })
})
