import { expect } from 'chai'
import { randomBytes } from 'node:crypto'
import { DECIDING_SETTINGS, decidingValues } from '../../config/deciding.ts'
import { parseEnvironment, type Config } from '../../config/environment.ts'
import { fileOptionList } from '../../config/schema.ts'
import { codeIn, readText, sectionOf } from '../docs/page.ts'

const KEY = randomBytes(32).toString('base64')

function configOf(environment: object = {}, files: Readonly<Record<string, unknown>> = {}): Config {
  return parseEnvironment({ ENCRYPTION_KEYS: KEY, COOKIE_KEYS: KEY, ...environment }, (path) =>
    JSON.stringify(files[path] ?? {}),
  )
}

describe('the settings that all nodes must share', () => {
  it('are those of CONFIG_FILE but for a few, and two files', () => {
    const own = fileOptionList()
      .map(({ name }) => name)
      .filter((name) => !DECIDING_SETTINGS.includes(name))
    expect(own).to.deep.equal([
      'service.name',
      'service.help',
      'service.privacy',
      'service.terms',
      'service.views',
      'service.locale',
      'passwords.hashingAtOnce',
      'passwords.hashingQueue',
      'stop.drainSeconds',
      'stop.graceSeconds',
      'cluster.strict',
    ])
    expect(DECIDING_SETTINGS.slice(0, 3)).to.deep.equal(['NODE_ENV', 'CLIENTS_FILE', 'JWKS_FILE'])
    expect([...decidingValues(configOf()).keys()]).to.have.members(DECIDING_SETTINGS)
  })

  it('stand in the reference', () => {
    const section = sectionOf(
      readText('docs/reference/configuration.md'),
      2,
      'Settings that all nodes share',
    )
    const listed = section.split('\n').filter((line) => line.startsWith('- '))
    expect(listed.flatMap(codeIn)).to.deep.equal(['ISSUER', 'COOKIE_KEYS', ...DECIDING_SETTINGS])
  })

  it('contain the proof of a first enrolment as it takes effect, and no more of the mail server', () => {
    const proofOf = (environment: object, mfa: object = {}): unknown =>
      decidingValues(configOf({ ...environment, CONFIG_FILE: 'c' }, { c: { mfa } })).get(
        'mfa.firstEnrolment',
      )
    const mail = { SMTP_URL: 'smtp://mail.example' }
    expect(proofOf({})).to.equal('first-sign-in')
    expect(proofOf(mail)).to.equal('mailed-code')
    expect(proofOf(mail, { firstEnrolment: 'password' })).to.equal('password')
    expect(decidingValues(configOf({ SMTP_URL: 'smtp://one.example' }))).to.deep.equal(
      decidingValues(configOf({ SMTP_URL: 'smtp://other.example' })),
    )
  })

  it('do not contain the addresses of a node, its name, its log and its proxies', () => {
    const here = configOf({ PORT: '1', HOST: '127.0.0.2', NODE_NAME: 'a', METRICS_PORT: '3' })
    const there = configOf({ PORT: '2', LOG_LEVEL: 'warn', TRUSTED_PROXIES: '10.0.0.0/8' })
    expect(decidingValues(here)).to.deep.equal(decidingValues(there))
  })
})
