import { expect } from 'chai'
import { parseEnvironment, type Config } from '../../config/environment.ts'
import { examineSettings } from '../../src/server/upkeep/doctor.ts'
import { makeCertificate } from '../support/attestation-certificates.ts'
import {
  entryOf,
  makeBlob,
  METADATA_ROOT,
  METADATA_SERVICE,
  type Blob,
} from '../support/metadata-blob.ts'
import { startServer, stopServers } from './support.ts'

const MODEL = 'ee882879-721c-4913-9775-3dfcce97072a'
const FILE = '/etc/acme/mds.jwt'
const KEY = Buffer.alloc(32, 7).toString('base64')

const settingsOf = (more: object = {}) => ({
  passkeys: {
    attestation: 'direct',
    metadataFile: FILE,
    metadataRoots: [METADATA_ROOT.pem],
    allow: ['FIDO_CERTIFIED_L1'],
    ...more,
  },
})
const blobOf = (blob: Blob = {}) => makeBlob({ entries: [entryOf(MODEL)], ...blob })

function configOf(blob: string, more: object = {}): Config {
  const environment = { ENCRYPTION_KEYS: KEY, COOKIE_KEYS: KEY, CONFIG_FILE: 'c.json' }
  return parseEnvironment(environment, (path) =>
    path === FILE ? blob : JSON.stringify(settingsOf(more)),
  )
}

describe('the metadata of makers in the server', () => {
  afterEach(stopServers)

  const remarks = async (blob: string, more: object = {}) =>
    (await examineSettings(configOf(blob, more), String))
      .filter(({ check }) => check === 'passkeys.metadataFile')
      .map(({ result, detail }) => [result, detail])
  const ended = makeCertificate({ name: METADATA_SERVICE, issuer: METADATA_ROOT, until: 2021 })

  it('are old in doctor and config check when a newer file is there', async () => {
    expect(await remarks(blobOf())).to.deep.equal([])
    expect(await remarks(blobOf({ nextUpdate: '2026-01-31' }))).to.deep.equal([
      [
        'warning',
        'the metadata are old: number 12 was to be replaced by 2026-01-31; download the file again',
      ],
    ])
    const [[, detail] = []] = await remarks(blobOf({ signer: ended }))
    expect(detail).to.match(/^the metadata are signed with certificates that are not valid now/)
    const off = { enabled: false }
    expect(await remarks(blobOf({ nextUpdate: '2026-01-31' }), off)).to.deep.equal([])
  })

  it('are old in the log of a start, which they do not refuse', async () => {
    const files = { [FILE]: blobOf({ nextUpdate: '2026-01-31' }) }
    const { lines } = await startServer({ settings: settingsOf(), files })
    const told = lines.filter((line) => line.includes('the metadata'))
    expect(told).to.have.length(1)
    expect(told[0]).to.match(/^\["warn",.*passkeys\.metadataFile.*are old: number 12/)
  })

  it('are silent in the log while they are new', async () => {
    const { lines } = await startServer({ settings: settingsOf(), files: { [FILE]: blobOf() } })
    expect(lines.filter((line) => line.includes('the metadata'))).to.deep.equal([])
  })

  it('bring the level of a key in hardware into the discovery document', async () => {
    const levels = async (settings: object) => {
      const { issuer } = await startServer({ settings, files: { [FILE]: blobOf() } })
      const found = await fetch(`${issuer}/.well-known/openid-configuration`)
      return ((await found.json()) as { acr_values_supported: string[] }).acr_values_supported
    }
    expect(await levels(settingsOf())).to.include('phrh')
    expect(await levels({}))
      .to.include('phr')
      .and.not.to.include('phrh')
  })

  it('refuse the start where their signature does not lead to a root', async () => {
    const stranger = makeCertificate({ name: 'Metadata Root', isCa: true })
    const signer = makeCertificate({ name: METADATA_SERVICE, issuer: stranger })
    const files = { [FILE]: blobOf({ signer }) }
    const fault = await startServer({ settings: settingsOf(), files }).then(
      () => undefined,
      (error: Error) => error.message,
    )
    expect(fault).to.include(
      `CONFIG_FILE passkeys.metadataFile ${FILE} has certificates that lead to none of metadataRoots`,
    )
  })
})
