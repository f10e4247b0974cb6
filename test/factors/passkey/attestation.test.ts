import { expect } from 'chai'
import { SettingsService } from '@simplewebauthn/server'
import { asksTheNetwork } from '../../../src/factors/passkey/attestation.ts'
import { isChained } from '../../../src/factors/passkey/chain.ts'
import { passkeys } from '../../../src/factors/passkey/index.ts'
import { parseState, type PasskeyState } from '../../../src/factors/passkey/state.ts'
import { makeCertificate, type Made, type Making } from '../../support/attestation-certificates.ts'
import { SoftAuthenticator } from '../../support/authenticator.ts'
import { assertWith, NOW, register, registered, request } from './person.ts'

const MODEL = 'ee882879-721c-4913-9775-3dfcce97072a'
const OTHER_MODEL = '2fc0579f-8113-47ea-b116-bb5a8db9202a'

const root = makeCertificate({ name: 'Acme Root', isCa: true })
const otherRoot = makeCertificate({ name: 'Acme Root', isCa: true })
const leafOf = (issuer: Made, more: Partial<Making> = {}) =>
  makeCertificate({ name: 'Acme Key', issuer, ...more })
const leaf = leafOf(root, { aaguid: MODEL })

const DIRECT = { attestation: 'direct', trustRoots: [root.pem] } as const
const ALLOWED = { ...DIRECT, allow: [MODEL] }
const answering =
  (maker: Made, ...chain: readonly Made[]) =>
  (text: string, key: SoftAuthenticator) =>
    key.attested(
      text,
      maker.privateKey,
      [maker, ...chain].map(({ der }) => der),
    )
const key = (aaguid = MODEL) => new SoftAuthenticator({ aaguid })

describe('a passkey of an allowed maker', () => {
  it('is registered with its attestation, and used', async () => {
    const mine = key()
    const state = await registered(mine, { options: ALLOWED, answer: answering(leaf) })
    expect(state).to.include({ aaguid: MODEL, attested: true })
    expect(parseState(state)).to.deep.equal(state)
    expect(await assertWith(mine, { options: ALLOWED, states: [state] })).to.have.property('proof')
  })

  it('may have certificates between its own and the root, and one without a model', async () => {
    const between = makeCertificate({ name: 'Acme Makers', issuer: root, isCa: true })
    for (const answer of [
      answering(leafOf(between), between),
      answering(leafOf(between, { aaguid: MODEL }), between, root),
    ])
      expect(await registered(key(), { options: ALLOWED, answer })).to.include({ attested: true })
    const itself = { ...ALLOWED, trustRoots: [otherRoot.pem, leaf.pem] }
    const state = await registered(key(), { options: itself, answer: answering(leaf) })
    expect(state).to.include({ attested: true })
  })

  it('keeps its attestation where no maker is asked for yet', async () => {
    const state = await registered(key(), { options: DIRECT, answer: answering(leaf) })
    expect(state).to.include({ attested: true })
    expect(await registered(key(), { options: DIRECT })).not.to.have.property('attested')
    expect(await registered(key(), { answer: answering(leaf) })).not.to.have.property('attested')
  })
})

describe('a passkey of another maker', () => {
  const between = makeCertificate({ name: 'Acme Makers', issuer: root, isCa: true })
  const notCa = makeCertificate({ name: 'No authority', issuer: root })
  const ended = makeCertificate({ name: 'Acme Makers', issuer: root, isCa: true, until: 2021 })
  const endedRoot = makeCertificate({ name: 'Acme Root', isCa: true, until: 2021 })
  const broken = { ...between, der: Buffer.from('3000', 'hex') }

  it('is refused where its maker has not attested it', async () => {
    expect(await register(key(), { options: ALLOWED })).to.deep.equal({ refusal: 'maker' })
    const self = (text: string, one: SoftAuthenticator) => one.selfAttested(text)
    const bySelf = await register(key(), { options: ALLOWED, answer: self })
    expect(bySelf).to.deep.equal({ refusal: 'maker' })
  })

  it('is refused where the maker is not in the list', async () => {
    const answer = answering(leafOf(root))
    const given = { options: ALLOWED, answer }
    expect(await register(key(OTHER_MODEL), given)).to.deep.equal({ refusal: 'maker' })
  })

  const chains: readonly (readonly [string, readonly [Made, ...Made[]]])[] = [
    ['of another root with the same name', [leafOf(otherRoot)]],
    ['of another root that the device sends along', [leafOf(otherRoot), otherRoot]],
    ['with a link missing', [leafOf(between)]],
    ['with a certificate in between that has ended', [leafOf(ended), ended]],
    ['with a certificate in between that may sign none', [leafOf(notCa), notCa]],
    ['with a certificate in between that cannot be read', [leafOf(between), broken]],
  ]
  for (const [what, [first, ...others]] of chains)
    it(`is refused with a chain ${what}`, async () => {
      const given = { options: ALLOWED, answer: answering(first, ...others) }
      expect(await register(key(), given)).to.deep.equal({ refusal: 'maker' })
    })

  it('is refused with a root that has ended', async () => {
    const options = { ...ALLOWED, trustRoots: [endedRoot.pem] }
    const given = { options, answer: answering(leafOf(endedRoot)) }
    expect(await register(key(), given)).to.deep.equal({ refusal: 'maker' })
  })

  it('is refused with more than eight certificates, and not with eight', async () => {
    const chainOf = (length: number): readonly Made[] => {
      let last = root
      const chain = Array.from({ length: length - 1 }, (_, place) => {
        last = makeCertificate({ name: `Acme Makers ${place}`, issuer: last, isCa: true })
        return last
      })
      return [leafOf(last), ...chain.toReversed()]
    }
    const outcomeOf = (length: number) => {
      const [first, ...others] = chainOf(length)
      return register(key(), { options: ALLOWED, answer: answering(first!, ...others) })
    }
    expect(await outcomeOf(8)).to.have.property('state')
    expect(await outcomeOf(9)).to.deep.equal({ refusal: 'malformed' })
  })

  it('is known from the first to the last second of each certificate', () => {
    const [from, until] = [2020, 2030].map((year) => Date.UTC(year) / 1000) as [number, number]
    const short = makeCertificate({ name: 'Acme Root', isCa: true, until: 2030 })
    const at = (now: number) => [
      isChained([leafOf(root, { until: 2030 }).der], [root.pem], now),
      isChained([leafOf(short).der], [short.pem], now),
    ]
    for (const now of [from, until]) expect(at(now)).to.deep.equal([true, true])
    for (const now of [from - 1, until + 1]) expect(at(now)).to.deep.equal([false, false])
  })

  it('is refused with a certificate that has ended, or that is of another model', async () => {
    for (const maker of [leafOf(root, { until: 2021 }), leafOf(root, { aaguid: OTHER_MODEL })]) {
      const given = { options: ALLOWED, answer: answering(maker) }
      expect(await register(key(), given)).to.deep.equal({ refusal: 'attestation' })
    }
  })

  it('is refused with a signature of another key', async () => {
    const answer = answering({ ...leaf, privateKey: otherRoot.privateKey })
    const refused = await register(key(), { options: ALLOWED, answer })
    expect(refused).to.deep.equal({ refusal: 'attestation' })
  })

  it('is refused when it is used, whether it was registered before or its maker was allowed', async () => {
    const mine = key()
    const before = await registered(mine)
    const attested: PasskeyState = { ...before, attested: true }
    const use = (state: PasskeyState, allow: string, alone = false) =>
      assertWith(mine, { options: { ...ALLOWED, allow: [allow] }, states: [state], alone })
    for (const alone of [false, true]) {
      expect(await use(before, MODEL, alone)).to.deep.equal({ refusal: 'maker' })
      expect(await use(attested, OTHER_MODEL, alone)).to.deep.equal({ refusal: 'maker' })
      expect(await use(attested, MODEL, alone)).to.have.property('proof')
    }
  })

  it('is not offered, and the page gets no options where no other one is left', async () => {
    const allowed = await registered(key(), { options: ALLOWED, answer: answering(leaf) })
    const other = await registered(key(OTHER_MODEL))
    const factor = passkeys(ALLOWED)
    const offered = async (...states: PasskeyState[]): Promise<readonly string[] | undefined> => {
      const { owned, challenge } = request({ options: ALLOWED, states })
      const described = await factor.describeVerification?.(owned, challenge)
      const { options = '' } = described ?? {}
      if (options === '') return undefined
      const { allowCredentials } = JSON.parse(options) as {
        allowCredentials: readonly { readonly id: string }[]
      }
      return allowCredentials.map(({ id }) => id)
    }
    expect(await offered(other, allowed)).to.deep.equal([allowed.id])
    expect(await offered(other)).to.equal(undefined)
    expect([allowed, other].map((state) => factor.isUsable?.(state, NOW))).to.deep.equal([
      true,
      false,
    ])
    expect(passkeys().isUsable?.(other, NOW)).to.equal(true)
    const { challenge } = request({ options: ALLOWED, states: [], alone: true })
    const alone = await factor.describeVerification?.([], challenge)
    expect(alone?.options).to.include('"userVerification":"required"')
  })
})

describe('a statement about an authenticator', () => {
  it('sends no request to anybody: one that would need it is refused', async () => {
    const asked: unknown[] = []
    const { fetch } = globalThis
    globalThis.fetch = async (input) => {
      asked.push(input)
      throw new Error('No test goes to the network')
    }
    const listed = leafOf(root, { revocationList: 'http://127.0.0.1:9/list.crl' })
    const identifier = 'packed'
    try {
      SettingsService.setRootCertificates({ identifier, certificates: [root.pem] })
      const refused = await register(key(), { answer: answering(listed) })
      expect(refused).to.deep.equal({ refusal: 'attestation' })
      expect(await registered(key(), { answer: answering(leaf) })).to.include({ aaguid: MODEL })
      SettingsService.setRootCertificates({ identifier, certificates: [] })
      const kept = await registered(key(), { options: ALLOWED, answer: answering(listed) })
      expect(kept).to.include({ attested: true })
    } finally {
      SettingsService.setRootCertificates({ identifier, certificates: [] })
      globalThis.fetch = fetch
    }
    expect(asked).to.deep.equal([])
  })

  it('is known by its format and its certificates to need the network', () => {
    const list = 'http://127.0.0.1:9/list.crl'
    const x5c = [leaf.der]
    const withList = [leafOf(root, { revocationList: list }).der]
    const listedRoot = makeCertificate({ name: 'Acme Root', isCa: true, revocationList: list }).pem
    const asks = (format: string, chain: readonly Buffer[], roots: readonly string[]) =>
      asksTheNetwork({ format, x5c: chain }, roots)
    expect(asks('android-safetynet', [], [])).to.equal(true)
    expect(asks('apple', withList, [root.pem])).to.equal(true)
    expect(asks('apple', x5c, [listedRoot])).to.equal(true)
    expect(asks('apple', x5c, [root.pem])).to.equal(false)
    expect(asks('android-key', withList, [root.pem])).to.equal(true)
    expect(asks('android-key', x5c, [listedRoot])).to.equal(false)
    expect(asks('tpm', withList, [])).to.equal(false)
  })
})

describe('the options about makers', () => {
  const faults = (options: object) => () => passkeys(options)
  const NEEDS = 'allow needs attestation: direct, and trustRoots or metadata'

  it('need a statement and roots, since an AAGUID alone is anybody\u2019s word', () => {
    const allow = [MODEL]
    const direct = { attestation: 'direct' }
    expect(faults({ allow })).to.throw(NEEDS).with.property('code', 'options-invalid')
    expect(faults({ allow, ...direct })).to.throw(NEEDS)
    expect(faults({ allow, trustRoots: [root.pem] }))
      .to.throw(NEEDS)
      .with.property('message')
      .that.includes('trustRoots needs attestation: direct')
    expect(faults({ ...ALLOWED })).not.to.throw()
  })

  it('are models and certificates', () => {
    for (const allow of [
      [],
      ['YubiKey'],
      [MODEL.toUpperCase()],
      MODEL,
      [MODEL, 'YubiKey'],
      [[MODEL]],
      ['00000000-0000-0000-0000-000000000000'],
    ])
      expect(faults({ ...DIRECT, allow }), String(allow)).to.throw('allow must be a list of one')
    for (const trustRoots of [root.pem, ['a'], [7], [root.der], [root.pem, 'a']])
      expect(faults({ attestation: 'direct', trustRoots })).to.throw('trustRoots must be a list')
  })

  it('read a state of before as not attested, and refuse one that is neither', async () => {
    const state = await registered(key())
    expect(parseState(state)).not.to.have.property('attested')
    for (const attested of [false, 'yes', null])
      expect(() => parseState({ ...state, attested }))
        .to.throw()
        .with.property('code', 'record-unreadable')
  })
})
