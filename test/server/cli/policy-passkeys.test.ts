import { randomBytes } from 'node:crypto'
import { hash as bcryptHash } from '@node-rs/bcrypt'
import { expect } from 'chai'
import { MULTI_FACTOR_ACR, PHISHING_RESISTANT_ACR } from '../../../src/index.ts'
import { makeCertificate } from '../../support/attestation-certificates.ts'
import { SoftAuthenticator } from '../../support/authenticator.ts'
import { exported, registered } from '../../factors/passkey/person.ts'
import { commandLine, type CommandLine } from '../command-line.ts'

const SECRET = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'
const MODEL = 'ee882879-721c-4913-9775-3dfcce97072a'
const ROOT = makeCertificate({ name: 'Acme Root', isCa: true }).pem
const RULE = { name: 'keys', require: PHISHING_RESISTANT_ACR }

interface Report {
  readonly must_enrol: readonly { readonly user: string }[]
  readonly locked_out: readonly { readonly user: string; readonly reason: string }[]
}

describe('policy, of people with passkeys', function () {
  this.timeout(60_000)
  let line: CommandLine

  /** `isNarrow`: only passkeys of a model that the maker has attested are allowed, which no imported one is. */
  const settings = (isNarrow: boolean, rules: readonly object[] = [RULE]): void => {
    const allowed = { attestation: 'direct', trustRoots: [ROOT], allow: [MODEL] }
    line.environment['CONFIG_FILE'] = line.file('settings.json', {
      passwords: { hashMemoryKib: 19_456, hashPasses: 2 },
      mfa: { required: 'optional' },
      policy: { rules },
      ...(isNarrow ? { passkeys: allowed } : {}),
    })
  }
  const explain = async (user: string): Promise<Record<string, unknown>> => {
    const ran = await line.run(`policy explain --json --user ${user} --client app`)
    expect(ran.code, ran.err).to.equal(0)
    return ran.json<Record<string, unknown>>()
  }
  const inWords = async (user: string): Promise<string> =>
    (await line.run(`policy explain --user ${user} --client app`)).out
  const simulate = async (): Promise<Report> => {
    const path = line.file('proposed.json', [RULE])
    const ran = await line.run(`policy simulate ${path} --json --allow-lockout`)
    expect(ran.code, ran.err).to.equal(0)
    return ran.json<Report>()
  }

  before(async () => {
    line = commandLine()
    settings(false)
    const passwordHash = await bcryptHash(randomBytes(12).toString('base64url'), 4)
    const totp = [{ secret: SECRET }]
    const passkey = async () => exported(await registered(new SoftAuthenticator()))
    const blue = { ...(await passkey()), name: 'Blue key' }
    const people = [
      { username: 'keyed', passwordHash, passkeys: [blue] },
      { username: 'both', passwordHash, passkeys: [await passkey()], totp },
      { username: 'app', passwordHash, totp },
    ]
    const path = line.file('people.jsonl', people.map((one) => JSON.stringify(one)).join('\n'))
    const client = { client_id: 'app', client_secret: 'a-long-enough-secret-of-an-app-01' }
    const clients = [{ ...client, redirect_uris: ['https://app.example/callback'] }]
    for (const words of [
      `user import ${path}`,
      `client apply ${line.file('clients.json', clients)}`,
    ]) {
      const { code, err } = await line.run(words)
      expect(code, err).to.equal(0)
    }
  })
  after(() => line.remove())

  it('asks for the passkey under a rule for one, and finds nobody locked out', async () => {
    settings(false)
    for (const user of ['keyed', 'both']) {
      const explained = await explain(user)
      expect(explained).to.deep.include({
        decision: 'verify',
        acr: PHISHING_RESISTANT_ACR,
        reason: 'policy',
        answers: ['passkey'],
      })
      expect(explained).not.to.have.any.keys('not_accepted', 'then_enrols')
    }
    const { locked_out: lockedOut, must_enrol: mustEnrol } = await simulate()
    expect(lockedOut).to.deep.equal([])
    expect(mustEnrol.map(({ user }) => user)).to.deep.equal(['app'])
  })

  it('says that an app is shown first, and a passkey is set up after it', async () => {
    settings(false)
    expect(await explain('app')).to.deep.include({ answers: ['totp'], then_enrols: true })
    expect(await inWords('app')).to.contain('After that, the person has to set up a factor.\n')
  })

  it('says which passkey is not accepted, and that nothing else is left', async () => {
    settings(true)
    expect(await explain('keyed')).to.deep.include({
      decision: 'verify',
      answers: [],
      not_accepted: [{ factor: 'passkey', name: 'Blue key' }],
    })
    const text = await inWords('keyed')
    expect(text).to.contain('Not accepted by the settings: passkey "Blue key".\n')
    expect(text).to.contain('a recovery is left, or user reset-mfa.\n')
    expect(text).not.to.contain('The token then has')
    expect((await simulate()).locked_out).to.deep.equal([
      {
        user: 'keyed',
        client: 'app',
        rules: ['set up by the person', 'keys'],
        reason: 'not-accepted',
      },
    ])
  })

  it('says what is left of a person who has another factor, and what comes after it', async () => {
    settings(true)
    expect(await explain('both')).to.deep.include({ answers: ['totp'], then_enrols: true })
    const text = await inWords('both')
    expect(text).to.contain('Not accepted by the settings: passkey ')
    expect(text).to.contain('The person can show: totp.\nAfter that, the person has to set up')
    const { must_enrol: mustEnrol } = await simulate()
    expect(mustEnrol.map(({ user }) => user).sort()).to.deep.equal(['app', 'both'])
  })

  it('never takes a person with such a passkey for one without a factor', async () => {
    settings(true, [])
    expect(await explain('keyed')).to.deep.include({
      decision: 'verify',
      acr: MULTI_FACTOR_ACR,
      reason: 'chosen',
      answers: [],
    })
  })
})
