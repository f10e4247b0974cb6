import { expect } from 'chai'
import {
  passkeys,
  passkeysWorkAt,
  type PasskeysOptions,
} from '../../../src/factors/passkey/index.ts'
import { readPasskeysOptions, siteOf } from '../../../src/factors/passkey/options.ts'
import { beginPasskey, creationOptions } from '../../../src/factors/passkey/ceremony.ts'
import type { PasskeyState } from '../../../src/factors/passkey/state.ts'
import { seededRandom } from '../seeded-random.ts'
import { creation, ISSUER, request } from './person.ts'

describe('the options of passkeys', () => {
  it('have defaults', () => {
    expect(readPasskeysOptions({})).to.deep.equal({
      rpId: undefined,
      rpName: undefined,
      origins: [],
      userVerification: 'preferred',
      attestation: 'none',
      algorithms: [-8, -7, -257],
      offer: true,
      allow: undefined,
      trustRoots: [],
      metadata: undefined,
    })
  })

  it('are refused with every fault at once', () => {
    const wrong = {
      rpID: 'example.com',
      rpId: 'https://example.com',
      rpName: ' ',
      origins: ['https://example.com/', 'http://example.com', 'example.com', 7],
      userVerification: 'always',
      attestation: 'indirect',
      algorithms: [-7, -7],
      offer: 'always',
    } as unknown as PasskeysOptions
    const message = [
      'passkeys: rpID is not an option',
      'rpId must be a domain in lower case, such as example.com, without scheme and port',
      'rpName must be a text of 1 to 64 characters',
      'origins has "https://example.com/", which is no origin such as https://example.com',
      'origins has "http://example.com", which is no origin such as https://example.com',
      'origins has "example.com", which is no origin such as https://example.com',
      'origins has 7, which is no origin such as https://example.com',
      'userVerification must be required, preferred or discouraged',
      'attestation must be none or direct',
      'algorithms must be a list of one or more of -8, -7 and -257, each once',
      'offer must be true or false',
    ].join('; ')
    expect(() => passkeys(wrong))
      .to.throw(message)
      .with.property('code', 'options-invalid')
  })

  it('take a domain, no address of a network, and lists alone', () => {
    const faulty = (options: object) => () => readPasskeysOptions(options)
    const long = `${'a.'.repeat(125)}aaa`
    for (const rpId of ['192.168.1.1', 'Example.com', 'example..com', '-a.com', '', 7, `a${long}`])
      expect(faulty({ rpId }), String(rpId)).to.throw('rpId must be a domain')
    expect(faulty({ rpId: ['example.com'] })).to.throw('rpId must be a domain')
    for (const rpId of [
      'localhost',
      'example.com',
      'id.example-1.com',
      'xn--bcher-kva.example',
      long,
    ])
      expect(faulty({ rpId }), rpId).not.to.throw()
    expect(faulty({ origins: 'https://example.com' })).to.throw('origins must be a list')
    for (const algorithms of [[], [-65535], [-7, -65535], 'ES256'])
      expect(faulty({ algorithms })).to.throw('algorithms must be a list')
    const origins = ['http://localhost:3000', 'http://app.localhost', 'https://example.com:8443']
    expect(readPasskeysOptions({ origins }).origins).to.deep.equal(origins)
    for (const origin of ['ftp://localhost', 'ws://localhost'])
      expect(faulty({ origins: [origin] }), origin).to.throw('which is no origin')
    for (const rpName of ['x'.repeat(65), 7])
      expect(faulty({ rpName })).to.throw('rpName must be a text').with.property('code')
    expect(readPasskeysOptions({ rpName: 'x'.repeat(64) }).rpName).to.have.length(64)
  })

  it('bind passkeys to the host of the issuer, or to a parent domain of it', () => {
    const site = (rpId?: string) => siteOf({ rpId, origins: [] }, ISSUER)
    expect(site()).to.deep.equal({ rpId: 'id.example.com', origins: ['https://id.example.com'] })
    for (const rpId of ['example.com', 'id.example.com']) expect(site(rpId).rpId).to.equal(rpId)
    for (const rpId of ['evil.example', 'd.example.com', 'www.id.example.com'])
      expect(() => site(rpId))
        .to.throw(`rpId ${rpId} is neither the host of the issuer, id.example.com`)
        .with.property('code', 'options-invalid')
  })

  it('are compared with the issuer of the provider', () => {
    const factor = passkeys({ rpId: 'example.com' })
    expect(() => factor.checkIssuer?.('https://id.example.com/op')).not.to.throw()
    expect(() => factor.checkIssuer?.('https://example.org'))
      .to.throw('rpId example.com is neither the host of the issuer, example.org')
      .with.property('code', 'options-invalid')
    expect(() => passkeys().checkIssuer?.('http://127.0.0.1:3000')).not.to.throw()
  })

  it('work at an issuer that browsers know passkeys of', () => {
    for (const issuer of [
      'https://id.example.com/op',
      'http://localhost:3000',
      'https://intranet',
      'https://192.0.2.1.example.com',
    ])
      expect(passkeysWorkAt(issuer), issuer).to.equal(true)
    for (const host of ['127.0.0.1:3000', '[::1]:3000', '0x7f.1', 'id.example.com'])
      expect(passkeysWorkAt(`http://${host}`), host).to.equal(false)
    for (const host of ['192.0.2.1', '198.51.100.42', '[2001:db8::1]:8443', '3221225985'])
      expect(passkeysWorkAt(`https://${host}`), host).to.equal(false)
  })

  it('name the issuer\u2019s origin once', () => {
    const origins = ['https://login.example.com', 'https://id.example.com']
    expect(siteOf({ rpId: undefined, origins }, ISSUER).origins).to.deep.equal([
      'https://id.example.com',
      'https://login.example.com',
    ])
  })
})

describe('the options of the browser\u2019s call', () => {
  it('ask for a new passkey', () => {
    const { text, pending, challenge } = creation({ rpName: 'Acme Ltd', attestation: 'direct' })
    expect(JSON.parse(text)).to.deep.equal({
      rp: { id: 'id.example.com', name: 'Acme Ltd' },
      user: { id: pending.userHandle, name: 'mira@example.com', displayName: 'mira@example.com' },
      challenge: challenge.challenge,
      pubKeyCredParams: [-8, -7, -257].map((alg) => ({ type: 'public-key', alg })),
      timeout: 300_000,
      excludeCredentials: [],
      authenticatorSelection: {
        residentKey: 'preferred',
        requireResidentKey: false,
        userVerification: 'preferred',
      },
      attestation: 'direct',
      extensions: { credProps: true },
    })
    expect(Buffer.from(challenge.challenge, 'base64url')).to.have.length(32)
    expect(pending.userHandle).not.to.include('mira')
  })

  it('name the account as its passkeys and its set-ups in progress do', () => {
    const random = seededRandom('handles')
    const own = (userHandle: string) => [
      { authenticatorId: 'one', state: { userHandle } as PasskeyState },
    ]
    const underway = [{ userHandle: 'BBBB' }, { userHandle: 'CCCC' }]
    expect(beginPasskey({ existing: own('AAAA'), underway, random }).userHandle).to.equal('AAAA')
    expect(beginPasskey({ existing: [], underway, random }).userHandle).to.equal('BBBB')
    const { userHandle } = beginPasskey({ existing: [], random })
    expect(Buffer.from(userHandle, 'base64url')).to.have.length(32)
  })

  it('exclude each passkey of the person except, where only hardware can be set up, those that can be raised', () => {
    const random = seededRandom('raised')
    const passkey = (id: string, more: Partial<PasskeyState>) => {
      const state = { id, userHandle: 'AAAA', transports: [], backupEligible: false, ...more }
      return { authenticatorId: id, state: state as unknown as PasskeyState }
    }
    const soft = passkey('soft', {})
    const synced = passkey('synced', { backupEligible: true })
    const attested = passkey('attested', { attestedByEntry: true })
    const existing = [soft, synced, attested]
    const settings = readPasskeysOptions({})
    const { challenge } = creation()
    const about = { issuerName: 'Acme', label: 'mira' }
    const excluded = (needsHardware: boolean, userHandle?: string): readonly string[] => {
      const only = needsHardware ? { needsHardware } : {}
      const pending =
        userHandle === undefined ? beginPasskey({ existing, random, ...only }) : { userHandle }
      const options = creationOptions(settings, pending, { ...about, ...only }, challenge, existing)
      return (options['excludeCredentials'] as { id: string }[]).map(({ id }) => id)
    }
    expect(excluded(false)).to.deep.equal(['soft', 'synced', 'attested'])
    expect(excluded(true)).to.deep.equal(['synced', 'attested'])
    // A set-up that began before hardware was needed has the handle of the account.
    expect(excluded(true, 'AAAA')).to.deep.equal(['soft', 'synced', 'attested'])
  })

  it('take a new handle only where a passkey can be raised', () => {
    const random = seededRandom('raised handles')
    const begun = (state: Partial<PasskeyState>, needsHardware?: true): string => {
      const existing = [{ authenticatorId: 'one', state: state as PasskeyState }]
      const only = needsHardware === undefined ? {} : { needsHardware }
      return beginPasskey({ existing, underway: [{ userHandle: 'AAAA' }], random, ...only })
        .userHandle
    }
    const own = { userHandle: 'AAAA', backupEligible: false }
    expect(begun(own)).to.equal('AAAA')
    expect(begun({ ...own, backupEligible: true }, true)).to.equal('AAAA')
    expect(begun({ ...own, attestedByEntry: true }, true)).to.equal('AAAA')
    expect(Buffer.from(begun(own, true), 'base64url')).to.have.length(32)
  })

  it('leave out transports that nobody has named', () => {
    const state = {
      id: 'AAAA',
      publicKey: 'AAAA',
      userHandle: 'AAAA',
      counter: 0,
      backupEligible: false,
      backedUp: false,
      aaguid: '00000000-0000-0000-0000-000000000000',
      userVerified: true,
      lastChallenge: 'AAAA',
    }
    const without = { ...state, transports: [] }
    const known = { ...state, transports: ['usb'] }
    const { allowCredentials } = JSON.parse(request({ states: [without, known] }).text) as {
      allowCredentials: object[]
    }
    expect(allowCredentials).to.deep.equal([
      { type: 'public-key', id: 'AAAA' },
      { type: 'public-key', id: 'AAAA', transports: ['usb'] },
    ])
    const existing = [{ authenticatorId: 'first', state: known }]
    const { excludeCredentials } = JSON.parse(creation({}, existing).text) as {
      excludeCredentials: object[]
    }
    expect(excludeCredentials).to.deep.equal([allowCredentials[1]])
  })
})
