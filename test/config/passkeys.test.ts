import { expect } from 'chai'
import { ConfigError, inWords, parseEnvironment, readSettings } from '../../config/environment.ts'
import { arePasskeysOffered, optionsOf, whyNotOffered } from '../../config/passkeys.ts'
import type { FileValues } from '../../config/schema.ts'
import { makeCertificate } from '../support/attestation-certificates.ts'
import { makeBlob, METADATA_ROOT } from '../support/metadata-blob.ts'

const KEY = Buffer.from(Array.from({ length: 32 }, (_, i) => i * 7)).toString('base64')
const KEYS = { ENCRYPTION_KEYS: KEY, COOKIE_KEYS: KEY }
const ISSUER = 'https://id.example.com'

function parse(file: object, environment: Readonly<Record<string, string>> = {}): FileValues {
  return parseEnvironment({ ...KEYS, ISSUER, CONFIG_FILE: 'c.json', ...environment }, () =>
    JSON.stringify(file),
  ).settings
}

function faultsOf(file: object, environment: Readonly<Record<string, string>> = {}): string[] {
  try {
    parse(file, environment)
  } catch (error) {
    if (error instanceof ConfigError) return error.faults.map(inWords)
    throw error
  }
  return []
}

describe('the group passkeys of CONFIG_FILE', () => {
  it('is on by default, without an option of its own', () => {
    const { passkeys } = parse({})
    expect(passkeys.enabled).to.equal(true)
    expect(optionsOf(passkeys)).to.deep.equal({})
  })

  it('takes the options of the factor by name, in camelCase and in snake_case', () => {
    const options = {
      rpId: 'example.com',
      rpName: 'Acme',
      origins: ['https://www.example.com'],
      userVerification: 'required',
      attestation: 'direct',
      allow: ['ee882879-721c-4913-9775-3dfcce97072a'],
      trustRoots: [makeCertificate({ name: 'Acme Root', isCa: true }).pem],
      algorithms: [-7],
    }
    const snake = {
      rp_id: 'example.com',
      rp_name: 'Acme',
      origins: ['https://www.example.com'],
      user_verification: 'required',
      attestation: 'direct',
      allow: options.allow,
      trust_roots: options.trustRoots,
      algorithms: [-7],
    }
    expect(optionsOf(parse({ passkeys: options }).passkeys)).to.deep.equal(options)
    expect(optionsOf(parse({ passkeys: snake }).passkeys)).to.deep.equal(options)
  })

  it('is refused with each faulty option by its name, beside the faults of other groups', () => {
    const passkeys = { enabled: 'yes', rpId: 'https://example.com', algorithms: [] }
    const faults = faultsOf({ passkeys: { ...passkeys, origins: [7] }, totp: { digits: 7 } })
    expect(faults).to.include('CONFIG_FILE totp.digits must be 6 or 8')
    expect(faults).to.include('CONFIG_FILE passkeys.enabled must be true or false')
    const others = faultsOf({ passkeys: { ...passkeys, enabled: true, origins: [7] } })
    expect(others).to.deep.equal([
      'CONFIG_FILE passkeys.rpId must be a domain in lower case, such as example.com, without scheme and port',
      'CONFIG_FILE passkeys.origins has 7, which is no origin such as https://example.com',
      'CONFIG_FILE passkeys.algorithms must be a list of one or more of -8, -7 and -257, each once',
    ])
    const [misspelt] = faultsOf({ passkeys: { rpName: 'Acme', userVerfication: 'required' } })
    expect(misspelt)
      .to.include('CONFIG_FILE passkeys.userVerfication is not a setting')
      .and.include('userVerification')
  })

  it('is refused with an rpId that does not fit the issuer, beside every other fault', () => {
    const misfit =
      'CONFIG_FILE passkeys.rpId other.example is neither the host of the issuer, id.example.com, nor a parent domain of it: leave it out, name one of these, or correct ISSUER'
    const passkeys = { rpId: 'other.example' }
    expect(faultsOf({ passkeys })).to.deep.equal([misfit])
    const many = faultsOf({ passkeys, totp: { digits: 7 } }, { PORT: 'x' })
    expect(many).to.include(misfit)
    expect(many.join('\n')).to.include('PORT must be').and.include('totp.digits')
    expect(faultsOf({ passkeys: { rpId: 'example.com' } })).to.deep.equal([])
    expect(faultsOf({ passkeys: { ...passkeys, enabled: false } })).to.deep.equal([])
    expect(faultsOf({ passkeys }, { ISSUER: 'nowhere' })).to.have.length(1)
    expect(faultsOf({ passkeys: { rpId: 'localhost' } }, { ISSUER: '' })).to.deep.equal([])
    expect(faultsOf({ passkeys }, { ISSUER: '' })[0]).to.include(
      'the host of the issuer, localhost',
    )
  })

  describe('with the metadata of makers', () => {
    const metadataRoots = [METADATA_ROOT.pem]
    const blob = makeBlob()
    const given = { attestation: 'direct', metadataFile: 'mds.jwt', metadataRoots }
    const parseWith = (passkeys: object, read: () => string) =>
      parseEnvironment({ ...KEYS, ISSUER, CONFIG_FILE: 'c.json' }, (path) =>
        path === 'c.json' ? JSON.stringify({ passkeys }) : read(),
      ).settings.passkeys
    const faultsWith = (passkeys: object, read = () => blob): string[] => {
      try {
        parseWith(passkeys, read)
      } catch (error) {
        if (error instanceof ConfigError) return error.faults.map(inWords)
        throw error
      }
      return []
    }

    it('hands the text of the file to the factor', () => {
      const options = { attestation: 'direct', metadataRoots, metadata: blob }
      expect(optionsOf(parseWith(given, () => blob))).to.deep.equal(options)
      const snake = { attestation: 'direct', metadata_file: 'm', metadata_roots: metadataRoots }
      expect(optionsOf(parseWith(snake, () => blob))).to.deep.equal(options)
    })

    it('is refused by the name of the file', () => {
      const absent = (): string => {
        throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
      }
      const setting = 'CONFIG_FILE passkeys.metadataFile'
      expect(faultsWith(given, absent)).to.deep.equal([`${setting} mds.jwt cannot be read: ENOENT`])
      expect(faultsWith(given, () => '<html>')).to.deep.equal([
        `${setting} mds.jwt is no signed JWT: give the text of the file as it was downloaded`,
      ])
      expect(faultsWith({ ...given, attestation: 'none' })).to.deep.equal([
        `${setting} needs attestation: direct, because there is no statement otherwise`,
      ])
      expect(faultsWith({ ...given, metadataFile: '' })).to.deep.equal([
        `${setting} must name a file`,
      ])
      expect(faultsWith({ attestation: 'direct', metadataFile: 'mds.jwt' })).to.deep.equal([
        'CONFIG_FILE passkeys.metadataRoots must be there with metadata: anybody can sign some',
      ])
      expect(faultsWith({ ...given, metadata: blob })[0]).to.include('passkeys.metadata is not a')
    })

    it('is not read again with the policy, because it waits for a restart', () => {
      const file = (path: string) => {
        if (path !== 'c.json') throw new Error(path)
        return JSON.stringify({ passkeys: { ...given, allow: ['FIDO_CERTIFIED_L1'] } })
      }
      expect(readSettings('c.json', file).passkeys).to.include({ metadataFile: 'mds.jwt' })
    })
  })

  it('is without effect at an issuer where browsers know no passkeys', () => {
    const { passkeys } = parse({})
    const off = { ...passkeys, enabled: false }
    for (const issuer of ['https://id.example', 'http://localhost:3000', 'https://intranet']) {
      expect(arePasskeysOffered(passkeys, issuer), issuer).to.equal(true)
      expect(whyNotOffered(passkeys, issuer), issuer).to.equal(undefined)
      expect(arePasskeysOffered(off, issuer), issuer).to.equal(false)
    }
    for (const issuer of [
      'http://127.0.0.1:3000',
      'https://192.0.2.1',
      'https://[::1]:8443',
      'http://id.example',
    ]) {
      expect(arePasskeysOffered(passkeys, issuer), issuer).to.equal(false)
      expect(whyNotOffered(passkeys, issuer), issuer).to.match(/^are not offered: /)
      expect(whyNotOffered(off, issuer), issuer).to.equal(undefined)
    }
  })
})
