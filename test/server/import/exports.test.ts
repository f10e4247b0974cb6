import { expect } from 'chai'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ExportFault, readExport } from '../../../src/server/import/exports/export.ts'
import { firebaseParameters } from '../../../src/server/import/exports/firebase.ts'
import { fusionAuthPerson } from '../../../src/server/import/exports/fusionauth.ts'
import { keycloakPerson } from '../../../src/server/import/exports/keycloak.ts'
import { HttpClient, type Page } from '../../support/http-client.ts'
import { totpCode } from '../../support/totp.ts'
import { atTheApp, type TestServer } from '../support.ts'
import { setInstallation } from '../installation.ts'

/** PBKDF2 of `pässword`, 100 rounds, by Python's hashlib. */
const SALT = 'AAECAwQFBgcICQoLDA0ODw=='
const TAG = 'zViYe1D++9jo0Gh601LxQi05LDSQZPJUNJNsrajC0JY='
const PASSWORD = 'pässword'
/** The letters are the bytes of the secret, as Keycloak has it. */
const LETTERS = 'kZ3vQ9mT7xB2nL5pR8sW'
const SECRET = 'NNNDG5SRHFWVIN3YIIZG4TBVOBJDQ42X'
const SECRET_BASE64 = Buffer.from(LETTERS).toString('base64')

const keycloakPassword = {
  type: 'password',
  secretData: JSON.stringify({ value: TAG, salt: SALT, additionalParameters: {} }),
  credentialData: JSON.stringify({ hashIterations: 100, algorithm: 'pbkdf2-sha256' }),
}
const keycloakOtp = {
  type: 'otp',
  userLabel: 'phone',
  secretData: JSON.stringify({ value: LETTERS }),
  credentialData: JSON.stringify({
    subType: 'totp',
    digits: 6,
    counter: 0,
    period: 30,
    algorithm: 'HmacSHA1',
  }),
}
/** SHA-512 of `ABCDEFGH2345` and `JKLMNPQR6789` in base64, by Python's hashlib. */
const keycloakCodes = {
  type: 'recovery-authn-codes',
  secretData: JSON.stringify({
    codes: [
      {
        number: 1,
        encodedHashedValue:
          'ZaVkh8Z/M+TGvDIQ7qYMkLAzZ20bcouDR7bhQax/8iwLcfPwDVyAk+AU1Jk9zsY7AeS9MXx5IEUede667FN0Kg==',
      },
      {
        number: 2,
        encodedHashedValue:
          'E432deWZueROhaCqLk3kIoaYE/IdsL+sOIaeL+IwjjFsA0W2v0RKluSwbZBYv+uZ64v1z9GUvpWu5VLlY9egsA==',
      },
    ],
  }),
  credentialData: JSON.stringify({ hashIterations: 1, algorithm: 'SHA-512', totalCodes: 12 }),
}
const KEYCLOAK = {
  realm: 'acme',
  roles: { realm: [{ name: 'users' }] },
  users: [
    {
      username: 'ada',
      email: 'ada@example.com',
      emailVerified: true,
      enabled: true,
      firstName: 'Ada',
      attributes: { locale: ['de'] },
      groups: ['/staff/paris'],
      credentials: [keycloakPassword, keycloakOtp, keycloakCodes],
    },
    { username: 'service-account-app', enabled: true, serviceAccountClientId: 'app' },
    { username: 'bob', enabled: false, credentials: [keycloakPassword] },
    { username: 'cyd', enabled: true, credentials: [{ type: 'webauthn' }] },
    { username: 'dan', enabled: true, requiredActions: ['CONFIGURE_TOTP'] },
    {
      username: 'eve',
      enabled: true,
      credentials: [{ ...keycloakOtp, credentialData: '{"subType":"hotp"}' }],
    },
  ],
}
const FUSIONAUTH = {
  encryptionScheme: 'salted-pbkdf2-hmac-sha256',
  factor: 100,
  users: [
    {
      username: 'ada',
      email: 'ada@example.com',
      verified: true,
      active: true,
      fullName: 'Ada Lovelace',
      password: TAG,
      salt: SALT,
      twoFactor: {
        methods: [
          {
            method: 'authenticator',
            secret: SECRET_BASE64,
            authenticator: { algorithm: 'HmacSHA1', codeLength: 6, timeStep: 30 },
          },
        ],
        recoveryCodes: ['7KQ4M-WXA9R-TDHN3'],
      },
    },
    { email: 'bob@example.com', active: false },
    { username: 'cyd', twoFactor: { methods: [{ method: 'email', email: 'c@example.com' }] } },
    { username: 'dan', twoFactorEnabled: true, twoFactorSecret: SECRET_BASE64 },
    { username: 'eve', twoFactor: { methods: [{ method: 'authenticator', secret: 'no base64' }] } },
  ],
}
/** The example of github.com/firebase/scrypt. */
const FIREBASE_CONFIG = `hash_config {
  algorithm: SCRYPT,
  base64_signer_key: jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==,
  base64_salt_separator: Bw==,
  rounds: 8,
  mem_cost: 14,
}`
const FIREBASE = {
  users: [
    {
      localId: 'a1',
      email: 'ada@example.com',
      emailVerified: true,
      passwordHash:
        'lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==',
      salt: '42xEC+ixf3L2lw==',
      displayName: 'Ada',
    },
    { localId: 'b2', disabled: true, phoneNumber: '+15555550100' },
    { localId: 'c3', mfaInfo: [{ mfaEnrollmentId: 'x' }] },
    { localId: 'd4', email: 'dan@example.com', passwordHash: 'AAAA', salt: 'AAAA' },
  ],
}

describe('exports of other products', () => {
  const installation = setInstallation()
  const { cli, serving } = installation

  const file = (content: unknown, name = 'export.json'): string => {
    const text = typeof content === 'string' ? content : JSON.stringify(content, null, 2)
    writeFileSync(join(installation.folder, name), text)
    return join(installation.folder, name)
  }
  const importing = async (...argv: string[]) => {
    const { out } = await cli('user', 'import', ...argv, '--json')
    return JSON.parse(out) as {
      imported: number
      warnings: Record<string, number>
      ignored_fields: string[]
      bad_lines: { line: number; faults: object[] }[]
    }
  }
  const shown = async (name: string) =>
    JSON.parse((await cli('user', 'show', name, '--json')).out) as Record<string, unknown>
  const withPassword = async (
    server: TestServer,
    username: string,
  ): Promise<[HttpClient, Page]> => {
    const browser = new HttpClient()
    const page = await browser.visit(server.authorize())
    const next = await browser.submit(page, { username, password: PASSWORD })
    return [browser, await browser.follow(next, atTheApp)]
  }
  /** Signs in with the password and the authenticator that `LETTERS` belong to. */
  const signsIn = async (server: TestServer, username: string): Promise<HttpClient> => {
    const [browser, page] = await withPassword(server, username)
    expect(page.name).to.equal('totp-verify')
    const code = totpCode({ secret: SECRET }, server.clock.now())
    const consent = await browser.follow(await browser.submit(page, { code }), atTheApp)
    expect(consent.name).to.equal('consent')
    return browser
  }

  it('of Keycloak bring passwords, authenticators and recovery codes along', async () => {
    const summary = await importing(file(KEYCLOAK), '--format', 'keycloak')
    expect(summary).to.deep.include({
      imported: 4,
      ignored_fields: [],
      // Keycloak's codes are hashed, which does not show how strong they are.
      warnings: { 'codes-weak': 1, 'must-enrol': 2, 'no-password': 2, 'no-way-in': 1 },
      bad_lines: [{ line: 6, faults: [{ field: 'totp', code: 'counter-based' }] }],
    })
    expect(await shown('ada')).to.deep.include({
      email_verified: true,
      groups: ['staff/paris'],
      disabled: false,
    })
    expect(await shown('bob')).to.include({ disabled: true })

    const server = await serving()
    server.clock.ahead = 60
    await signsIn(server, 'ada')
    const [browser, page] = await withPassword(server, 'ada')
    const choose = await browser.visit(page.link('[data-other-way]'))
    const form = await browser.follow(
      await browser.submit(choose, { factor: 'imported-codes' }),
      atTheApp,
    )
    const answer = await browser.submit(form, { backupCode: 'abcd-efgh-2345' })
    expect((await browser.follow(answer, atTheApp)).name).to.equal('backup-codes-low')
    expect((await withPassword(server, 'bob'))[1].name).to.equal('login')
  })

  it('of FusionAuth bring passwords, authenticators and recovery codes along', async () => {
    const summary = await importing(file(FUSIONAUTH), '--format', 'fusionauth')
    expect(summary).to.deep.include({
      imported: 4,
      ignored_fields: [],
      warnings: { 'must-enrol': 1, 'no-password': 3 },
      bad_lines: [{ line: 5, faults: [{ field: 'totp', code: 'secret-unusable' }] }],
    })
    expect(await shown('bob@example.com')).to.include({ disabled: true })
    const server = await serving()
    server.clock.ahead = 60
    await signsIn(server, 'ada')
  })

  it('R36 leave out a password that its owner had to change, which an administrator knows', () => {
    const user = { username: 'a', credentials: [keycloakPassword] }
    const temporary = { ...keycloakPassword, temporary: true }
    expect(keycloakPerson(user)).to.have.property('passwordHash', keycloakPassword)
    for (const given of [
      { ...user, requiredActions: ['UPDATE_PASSWORD'] },
      { ...user, credentials: [temporary] },
    ])
      expect(keycloakPerson(given)).to.have.property('passwordHash', undefined)
    const person = { username: 'a', password: TAG, salt: SALT }
    expect(fusionAuthPerson(person, {}).passwordHash).to.deep.include({ password: TAG })
    expect(fusionAuthPerson({ ...person, passwordChangeRequired: true }, {})).to.have.property(
      'passwordHash',
      undefined,
    )
  })

  it('of Firebase bring passwords along, with the parameters of the project', async () => {
    const config = file(FIREBASE_CONFIG, 'hash-config.txt')
    const summary = await importing(
      file(FIREBASE),
      '--format',
      'firebase',
      '--firebase-config',
      config,
    )
    expect(summary).to.deep.include({
      imported: 3,
      ignored_fields: [],
      warnings: { 'no-way-in': 1, 'no-password': 2, 'must-enrol': 1 },
      bad_lines: [{ line: 4, faults: [{ field: 'passwordHash', code: 'hash-unknown' }] }],
    })
    expect(await shown('b2')).to.include({ disabled: true })
    const server = await serving()
    const browser = new HttpClient()
    const page = await browser.visit(server.authorize())
    const form = { username: 'ada@example.com', password: 'user1password' }
    const next = await browser.follow(await browser.submit(page, form), atTheApp)
    expect(next.name).to.not.equal('login')
    // A new hash has replaced the one of Firebase.
    expect((await cli('user', 'hashes', '--json')).out).to.contain('firebase-scrypt ln=14,r=8')
    expect((await cli('user', 'hashes', '--prune', '--json')).code).to.equal(0)
  })

  it('of Firebase are refused without the parameters of the project', async () => {
    for (const given of [
      [],
      ['--firebase-config', join(installation.folder, 'none')],
      ['--firebase-config', file(FIREBASE_CONFIG.replace('rounds: 8,', ''), 'part.txt')],
    ]) {
      const { code, err } = await cli(
        'user',
        'import',
        file(FIREBASE),
        '--format',
        'firebase',
        ...given,
      )
      expect(code).to.not.equal(0)
      expect(err).to.contain('base64_signer_key')
    }
  })

  it('take the parameters of Firebase as JSON too', () => {
    const inConsole = firebaseParameters(FIREBASE_CONFIG)
    expect(inConsole).to.deep.include({ rounds: 8, memCost: 14 })
    const json = {
      base64_signer_key: inConsole?.signerKey.toString('base64'),
      base64_salt_separator: 'Bw==',
      rounds: 8,
      mem_cost: 14,
    }
    expect(firebaseParameters(JSON.stringify(json))).to.deep.equal(inConsole)
  })

  it('are called by persons in the report, since a person stands on many lines', async () => {
    const { err } = await cli('user', 'import', file(KEYCLOAK), '--format', 'keycloak', '--dry-run')
    expect(err).to.contain('person 6: totp counter-based').and.not.contain('line ')
  })

  for (const [name, content, words] of [
    ['that is cut off', JSON.stringify(KEYCLOAK).slice(0, -20), 'no whole JSON document'],
    ['with text behind it', `${JSON.stringify(KEYCLOAK)}{}`, 'no whole JSON document'],
    ['without users', '{"realm":"acme"}', 'nobody in a list "users"'],
    ['with an object of users', '{"users":{"a":{"username":"a"}}}', 'nobody in a list "users"'],
    ['that is empty', '', 'no whole JSON document'],
  ] as const)
    it(`import nobody from a file ${name}`, async () => {
      const { code, err } = await cli('user', 'import', file(content), '--format', 'keycloak')
      expect(code).to.not.equal(0)
      expect(err).to.contain(words)
      expect((await cli('user', 'list', '--json')).out).to.not.contain('ada')
    })

  it('import nobody from a file that is not UTF-8', async () => {
    const name = file('')
    writeFileSync(name, Buffer.from('{"users":[{"username":"J\u00f6rg"}]}', 'latin1'))
    const { code, err } = await cli('user', 'import', name, '--format', 'keycloak')
    expect(code).to.not.equal(0)
    expect(err).to.contain('not UTF-8')
  })

  it('are not read as JSON lines', async () => {
    for (const content of [KEYCLOAK, JSON.stringify(FUSIONAUTH), '[{"username":"ada"}]']) {
      const { code, err } = await cli('user', 'import', file(content))
      expect(code).to.not.equal(0)
      expect(err).to.contain('one JSON document')
    }
  })

  it('name each element that is no person, and go on', async () => {
    const lines = []
    for await (const line of readExport(
      file('{"users":[1,[],null,{"username":"a"}]}'),
      keycloakPerson,
    ))
      lines.push('fault' in line ? [line.line, line.fault] : line.line)
    expect(lines).to.deep.equal([
      [1, 'line-unreadable'],
      [2, 'line-unreadable'],
      [3, 'line-unreadable'],
      4,
    ])
  })

  it('hand out people before the file is read to its end', async () => {
    const people = Array.from({ length: 2_000 }, (_, nth) => ({
      username: `u${nth}`,
      note: 'x'.repeat(100),
    }))
    const name = file(`${JSON.stringify({ users: people }).slice(0, -2)}!`)
    let count = 0
    const reading = (async () => {
      for await (const _ of readExport(name, fusionAuthPerson)) count += 1
    })()
    const failure = await reading.then(
      () => undefined,
      (error: unknown) => error,
    )
    expect(failure).to.be.instanceOf(ExportFault)
    expect(count).to.be.greaterThan(0)
  })
})
