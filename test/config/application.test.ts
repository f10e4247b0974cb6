import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { loadApplicationConfig } from '../../config/application.ts'
import { ConfigError, type Environment } from '../../config/environment.ts'

const KEY = Buffer.alloc(32, 7).toString('base64')
const URL = 'mongodb://ada:hush@db.example/acme'

function faultsOf(environment: Environment, urlFile?: string): ConfigError {
  try {
    loadApplicationConfig(environment, urlFile)
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
  throw new Error('the settings were accepted')
}

describe('the settings for an application of your own', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'mfa-application-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('are its keys and its database, in production too, and nothing of the server', () => {
    const { encryptionKeys, database } = loadApplicationConfig({
      NODE_ENV: 'production',
      PORT: 'no port',
      STORAGE_URL: 'nothing',
      ENCRYPTION_KEYS: KEY,
      APPLICATION_MONGODB_URL: URL,
    })
    expect(encryptionKeys.map((key) => Buffer.from(key).toString('base64'))).to.deep.equal([KEY])
    expect(database.url).to.equal(URL)
  })

  it('take the database from a file, which comes before the environment', () => {
    const file = join(folder, 'url')
    writeFileSync(file, `${URL}\n`)
    for (const given of [{}, { APPLICATION_MONGODB_URL: 'mongodb://other.example/acme' }])
      expect(loadApplicationConfig({ ENCRYPTION_KEYS: KEY, ...given }, file).database.url).to.equal(
        URL,
      )
  })

  it('are all asked for at once, and no key is made', () => {
    expect(faultsOf({}).faults.map(({ setting }) => setting)).to.deep.equal([
      'ENCRYPTION_KEYS',
      'APPLICATION_MONGODB_URL',
    ])
    expect(faultsOf({ ENCRYPTION_KEYS: KEY }, join(folder, 'none')).message).to.contain('ENOENT')
  })

  it('R31 have to name a database, and say nothing of what was given', () => {
    for (const url of ['mongodb://ada:hush@db.example', 'postgres://ada:hush@db.example/acme']) {
      const { faults, message } = faultsOf({ APPLICATION_MONGODB_URL: url })
      expect(faults.map(({ setting }) => setting)).to.have.members([
        'ENCRYPTION_KEYS',
        'APPLICATION_MONGODB_URL',
      ])
      expect(message).not.to.contain('hush')
    }
  })
})
