import { expect } from 'chai'
import { randomBytes } from 'node:crypto'
import { mock } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { DECIDING_SETTINGS } from '../../config/deciding.ts'
import { ConfigError, parseEnvironment, type Config } from '../../config/environment.ts'
import { secretBox, systemRandom } from '../../src/adapters/crypto/index.ts'
import { memoryStorage } from '../../src/adapters/memory/index.ts'
import { MfaError } from '../../src/domain/errors.ts'
import { DEFAULT_LEVELS } from '../../src/domain/policy/levels.ts'
import type { ServerStorage } from '../../src/ports/server-storage.ts'
import { serverMeasuresOf } from '../../src/server/observe/server-measures.ts'
import { joinDeployment, type Membership } from '../../src/server/upkeep/membership.ts'
import { makeCertificate } from '../support/attestation-certificates.ts'
import { collector } from '../support/collector.ts'
import { HttpClient } from '../support/http-client.ts'
import { makeBlob, METADATA_ROOT } from '../support/metadata-blob.ts'
import { collectingLog, startServer, stopServers, type TestServer } from './support.ts'

const KEY = randomBytes(32).toString('base64')
const [OLD, NEW] = [1, 2].map(() => randomBytes(32).toString('base64')) as [string, string]
const ISSUER = 'http://id.example'
const START = 1_800_000_000
const MOST_LOOKS = 500
const { pem: ROOT } = makeCertificate({ name: 'Acme Root', isCa: true })

const METADATA: Readonly<Record<string, string>> = {
  'early.jwt': makeBlob(),
  'late.jwt': makeBlob({ number: 13 }),
}

interface Settings {
  readonly environment?: Readonly<Record<string, string>>
  /** The content of CONFIG_FILE, CLIENTS_FILE and JWKS_FILE. */
  readonly file?: object
  readonly clients?: unknown
  readonly jwks?: unknown
}

function configOf(name: string, { environment = {}, file, clients, jwks }: Settings): Config {
  const files: Readonly<Record<string, unknown>> = { file, clients, jwks }
  const paths = { CONFIG_FILE: 'file', CLIENTS_FILE: 'clients', JWKS_FILE: 'jwks' }
  const given = Object.entries(paths).filter(([, path]) => files[path] !== undefined)
  return parseEnvironment(
    {
      ENCRYPTION_KEYS: KEY,
      COOKIE_KEYS: OLD,
      ISSUER,
      NODE_NAME: name,
      ...Object.fromEntries(given),
      ...environment,
    },
    (path) => METADATA[path] ?? JSON.stringify(files[path]),
  )
}

/** Looks until it is so; the limit is far beyond the heartbeats that a test waits for. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let looks = 0; looks < MOST_LOOKS; looks += 1) {
    if (await isSo()) return
    await sleep(10)
  }
  throw new Error('It never came to be so')
}

describe('a node among others', () => {
  const clock = { time: START, now: () => clock.time }
  let storage: ServerStorage
  let members: Membership[]

  beforeEach(() => {
    clock.time = START
    storage = memoryStorage({ clock })
    members = []
  })
  afterEach(async () => {
    for (const member of members) await member.leave()
  })

  interface Joined extends Membership {
    readonly lines: readonly string[]
    readonly points: ReturnType<typeof collector>['points']
  }

  /** Starts a node whose heartbeat comes at once, again and again. */
  async function join(
    name: string,
    settings: Settings = {},
    on = storage,
    heartbeat: 'quick' | 'usual' = 'quick',
  ): Promise<Joined> {
    const config = configOf(name, settings)
    const lines: string[] = []
    const { meterProvider, points } = collector()
    const membership = await joinDeployment(
      {
        config,
        storage: on,
        clock,
        issuer: config.issuer ?? '',
        box: secretBox({ keys: config.encryptionKeys }),
        random: systemRandom,
        serverMeasures: serverMeasuresOf(meterProvider),
      },
      { log: collectingLog(lines), ...(heartbeat === 'quick' ? { heartbeatMilliseconds: 1 } : {}) },
    )
    members.push(membership)
    return {
      get differs() {
        return membership.differs
      },
      beat: () => membership.beat(),
      leave: () => membership.leave(),
      lines,
      points,
    }
  }

  const refusalOf = async (settings: Settings): Promise<string> => {
    const error = await join('late', settings).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect(error).to.be.instanceOf(ConfigError)
    return (error as Error).message
  }
  const namesOf = async (): Promise<string[]> =>
    (await storage.nodes.live(0)).map(({ name }) => name).sort()
  const logged = (lines: readonly string[], level: string): string[] =>
    lines.filter((line) => line.startsWith(`["${level}"`))

  it('writes a note without a secret, and removes it when it leaves', async () => {
    const secret = 'the secret of the app, long enough'
    const node = await join('a', { clients: [{ client_id: 'app', client_secret: secret }] })
    const [note] = await storage.nodes.live(0)
    expect(note).to.include({ name: 'a', issuer: ISSUER, startedAt: START, schema: 0 })
    expect(note?.settings['mfa.required']).to.equal('"everybody"')
    expect(Object.keys(note?.settings ?? {})).to.have.members(DECIDING_SETTINGS)
    const text = JSON.stringify(note)
    for (const hidden of [OLD, KEY, secret, 'client_secret']) expect(text).not.to.contain(hidden)
    await node.leave()
    expect(await namesOf()).to.deep.equal([])
  })

  it('hides the content of a file that is short, and compares it without the order of members', async () => {
    const early = await join('early', { clients: [{ client_id: 'a', client_secret: 'short' }] })
    const [note] = await storage.nodes.live(0)
    expect(note?.settings['CLIENTS_FILE']).to.match(/^[\w-]{16}$/)
    const late = await join('late', { clients: [{ client_secret: 'short', client_id: 'a' }] })
    expect([...early.lines, ...late.lines]).to.deep.equal([])
    const other = await join('other', { clients: [{ client_secret: 'other', client_id: 'a' }] })
    expect(logged(other.lines, 'error')[0]).not.to.contain('short')
  })

  it('has a heartbeat every 15 s, four in the time after which it counts as gone', async () => {
    mock.timers.enable({ apis: ['setInterval'] })
    try {
      await join('a', {}, storage, 'usual')
      clock.time += 15
      mock.timers.tick(14_999)
      expect((await storage.nodes.live(0))[0]?.beatAt).to.equal(START)
      mock.timers.tick(1)
      await until(async () => (await storage.nodes.live(0))[0]?.beatAt === START + 15)
    } finally {
      mock.timers.reset()
    }
  })

  it('refuses to start with another issuer, by the names of setting and node', async () => {
    const early = await join('early')
    const message = await refusalOf({ environment: { ISSUER: 'http://other.example' } })
    expect(message).to.match(/ISSUER is another one on the node early/)
    expect(await namesOf()).to.deep.equal(['early'])
    expect(early.differs).to.equal(false)
  })

  it('refuses one of two nodes that start at once with different issuers', async () => {
    const other = { environment: { ISSUER: 'http://other.example' } }
    const starts = await Promise.allSettled([
      join('a'),
      join('b', other),
      join('c'),
      join('d', other),
    ])
    const started = starts.map(({ status }) => status === 'fulfilled')
    expect([started[0] === started[2], started[1] === started[3]]).to.deep.equal([true, true])
    expect(started[0]).to.not.equal(started[1])
    expect(await namesOf()).to.have.length(2)
  })

  it('refuses to start with cookie keys that do not fit, and tells no key', async () => {
    await join('early')
    for (const keys of [NEW, `${NEW},${OLD}`]) {
      const message = await refusalOf({ environment: { COOKIE_KEYS: keys } })
      expect(message).to.match(/COOKIE_KEYS does not fit the node early/)
      expect(message).not.to.contain(NEW).and.not.to.contain(OLD)
    }
    const late = await join('late', { environment: { COOKIE_KEYS: `${OLD},${NEW}` } })
    expect(late.differs).to.equal(false)
  })

  /** Another value than the default of each setting of CONFIG_FILE that all nodes share. */
  const OTHER: Readonly<Record<string, unknown>> = {
    'mfa.required': 'optional',
    'mfa.firstEnrolment': 'password',
    'mfa.youngSeconds': 1,
    'policy.rules': [{ name: 'all', require: 'multi-factor' }],
    'policy.shadow': [{ name: 'all', require: 'multi-factor' }],
    'policy.trustedBrowserSeconds': 60,
    resources: { 'https://api.example': { scopes: ['read'], format: 'jwt' } },
    'recovery.waitSeconds': 86_400,
    'recovery.bindSeconds': 3600,
    'totp.algorithm': 'SHA256',
    'totp.digits': 8,
    'totp.periodSeconds': 20,
    'totp.window': 2,
    'passkeys.enabled': false,
    'passkeys.rpId': 'id.example',
    'passkeys.rpName': 'Acme',
    'passkeys.origins': ['https://login.example'],
    'passkeys.userVerification': 'required',
    'passkeys.attestation': 'direct',
    'passkeys.allow': ['ee882879-721c-4913-9775-3dfcce97072a'],
    'passkeys.trustRoots': [ROOT],
    'passkeys.metadataFile': 'late.jwt',
    'passkeys.metadataRoots': [METADATA_ROOT.pem, ROOT],
    'passkeys.algorithms': [-7],
    'passkeys.offer': false,
    'passwords.minimumLength': 9,
    'passwords.failuresPerAddress': 9,
    'passwords.addressWindowSeconds': 60,
    'passwords.failuresPerName': 9,
    'passwords.hashMemoryKib': 19_456,
    'passwords.hashPasses': 2,
    'limits.interactionsPerMinute': 9,
    'limits.pushedPerMinute': 9,
    'limits.devicePerMinute': 9,
    'limits.linksPerMinute': 9,
    'limits.resetsPerMinute': 9,
    'sessions.longestSeconds': 7200,
    'sessions.idleSeconds': 60,
    'sessions.interactionSeconds': 300,
    'sessions.setUpSeconds': 600,
    'tokens.accessTokenSeconds': 60,
    'tokens.idTokenSeconds': 60,
    'tokens.refreshTokenSeconds': 60,
    'tokens.rotateRefreshTokens': 'always',
    'audit.retentionDays': 7,
    'audit.retention': { locked: 1 },
    'features.deviceFlow': true,
    'features.postAuthorization': true,
    levels: DEFAULT_LEVELS.slice(0, 2),
  }
  const WITH_METADATA = {
    attestation: 'direct',
    metadataFile: 'early.jwt',
    metadataRoots: [METADATA_ROOT.pem],
  }
  /** The options that both nodes need in a group before one of them can have the option. */
  const BESIDE: Readonly<Record<string, object>> = {
    'passkeys.allow': { attestation: 'direct', trustRoots: [ROOT] },
    'passkeys.trustRoots': { attestation: 'direct' },
    'passkeys.metadataFile': WITH_METADATA,
    'passkeys.metadataRoots': WITH_METADATA,
  }
  const inFile = (setting: string): Settings => {
    const [group = '', option] = setting.split('.')
    const value = OTHER[setting]
    const inGroup = option === undefined ? value : { ...BESIDE[setting], [option]: value }
    return { file: { [group]: inGroup } }
  }
  const besideIn = (setting: string): Pick<Settings, 'file'> => {
    const [group = ''] = setting.split('.')
    return { file: { [group]: BESIDE[setting] } }
  }
  const HTTPS = { ISSUER: 'https://id.example' }
  const EACH: Readonly<Record<string, Settings>> = {
    CLIENTS_FILE: { clients: [{ client_id: 'app', mfa: 'required' }] },
    JWKS_FILE: { jwks: { keys: [] } },
    NODE_ENV: {
      environment: {
        NODE_ENV: 'production',
        STORAGE_URL: 'sqlite:/tmp/none.sqlite',
        SMTP_URL: 'smtp://mail.example',
      },
    },
    ...Object.fromEntries(Object.keys(OTHER).map((setting) => [setting, inFile(setting)])),
  }

  it('has a test of each setting that all nodes share', () => {
    expect(Object.keys(EACH)).to.have.members(DECIDING_SETTINGS)
  })

  for (const [setting, settings] of Object.entries(EACH))
    it(`starts with an error in the log that names the other node: ${setting}`, async () => {
      const mail = { SMTP_URL: 'smtp://mail.example' }
      const early = await join('early', {
        ...(setting in BESIDE ? besideIn(setting) : {}),
        environment: { ...HTTPS, ...mail },
      })
      const late = await join('late', {
        ...settings,
        environment: { ...HTTPS, ...mail, ...settings.environment },
      })
      expect([early.differs, late.differs]).to.deep.equal([false, true])
      const errors = logged(late.lines, 'error')
      expect(errors).to.have.length(1)
      expect(errors[0]).to.contain(`differs in ${setting} from early`)
      await until(() => logged(early.lines, 'warn').length > 0)
      expect(logged(early.lines, 'warn')[0]).to.contain(`the node late differs in ${setting}`)
      expect(await late.points('oidc_mfa.cluster.drift')).to.deep.equal([
        { labels: { setting }, value: 1 },
      ])
      expect(await early.points('oidc_mfa.cluster.drift')).to.deep.equal([])
    })

  it('tells a difference once, and that it is over', async () => {
    const early = await join('early')
    const late = await join('late', { file: { mfa: { required: 'optional' } } })
    const beats = await countedBeats()
    await until(() => beats() > 6)
    await late.leave()
    await until(() => early.lines.some((line) => line.includes('a difference is over')))
    expect(logged(early.lines, 'warn')).to.have.length(1)
    expect(logged(late.lines, 'error')).to.have.length(1)
  })

  it('goes back to 0 in its metric when the node that started earlier has gone', async () => {
    const early = await join('early')
    const late = await join('late', { file: { mfa: { required: 'optional' } } })
    expect(await late.points('oidc_mfa.cluster.nodes')).to.deep.equal([{ labels: {}, value: 2 }])
    await early.leave()
    await until(() => !late.differs)
    const labels = { setting: 'mfa.required' }
    expect(await late.points('oidc_mfa.cluster.drift')).to.deep.equal([{ labels, value: 0 }])
    expect(await late.points('oidc_mfa.cluster.nodes')).to.deep.equal([{ labels: {}, value: 1 }])
  })

  it('does not count a node whose last heartbeat is older than a minute', async () => {
    const [note] = await notesOf('dead', { environment: { ISSUER: 'http://other.example' } })
    await storage.nodes.note({ ...note!, beatAt: START })
    clock.time += 60
    expect(await refusalOf({})).to.contain('ISSUER')
    clock.time += 1
    await join('late')
  })

  it('compares again when a node comes back that was suspended', async () => {
    const [note] = await notesOf('suspended', { file: { totp: { window: 2 } } })
    const late = await join('late')
    expect(late.differs).to.equal(false)
    await storage.nodes.note({ ...note!, startedAt: START - 9 })
    await until(() => late.differs)
  })

  it('does not count a heartbeat of the future, which a wrong clock has written', async () => {
    const [note] = await notesOf('wrong', { environment: { ISSUER: 'http://other.example' } })
    await storage.nodes.note({ ...note!, beatAt: START + 61 })
    const late = await join('late')
    expect(await late.points('oidc_mfa.cluster.nodes')).to.deep.equal([{ labels: {}, value: 1 }])
  })

  it('is the later one although its clock is behind', async () => {
    clock.time += 50
    await join('early')
    clock.time -= 50
    expect(await refusalOf({ environment: { ISSUER: 'http://other.example' } })).to.contain('early')
  })

  it('informs of nodes with another version, and calls that no error', async () => {
    const [note] = await notesOf('other', {})
    await storage.nodes.note({ ...note!, version: '99.0.0', settings: { 'mfa.new': '"x"' } })
    const late = await join('late')
    expect(late.differs).to.equal(false)
    const beats = await countedBeats()
    await until(() => beats() > 4)
    expect(late.lines).to.have.length(1)
    expect(late.lines[0]).to.contain('["info"').and.to.contain('other 99.0.0')
  })

  it('has the same fingerprints while the encryption keys are rotated', async () => {
    const clients = [{ client_id: 'app' }]
    await join('early', { clients, environment: { ENCRYPTION_KEYS: `${KEY},${NEW}` } })
    const late = await join('late', {
      clients,
      environment: { ENCRYPTION_KEYS: `${NEW},${KEY}` },
    })
    expect(late.lines).to.deep.equal([])
  })

  it('goes on while the storage is away, and removes its note although that fails', async () => {
    let isAway = false
    const { nodes } = storage
    let asked = 0
    const unlessAway = <T>(work: () => Promise<T>): Promise<T> => {
      asked += 1
      return isAway ? Promise.reject(new MfaError('storage-unavailable', 'away')) : work()
    }
    const faulty: ServerStorage = {
      ...storage,
      nodes: {
        note: (note) => unlessAway(() => nodes.note(note)),
        live: (since) => unlessAway(() => nodes.live(since)),
        forget: (id) => unlessAway(() => nodes.forget(id)),
      },
    }
    const node = await join('a', {}, faulty)
    isAway = true
    const before = asked
    await until(() => asked > before + 4)
    expect(node.lines, 'one line for one outage').to.have.length(1)
    expect(node.lines[0]).to.contain('"warn"').and.to.contain('the heartbeat of this node failed')
    isAway = false
    await until(() => node.lines.length > 1)
    expect(node.lines[1]).to.contain('succeeds again')
    clock.time += 30
    await until(async () => (await storage.nodes.live(clock.time)).length === 1)
    isAway = true
    await node.leave()
    expect(node.lines.at(-1)).to.contain('the note of this node was not removed')
  })

  /** Counts the heartbeats of all nodes from now on. */
  async function countedBeats(): Promise<() => number> {
    let beats = 0
    const { note } = storage.nodes
    Object.assign(storage.nodes, {
      note: (node: Parameters<typeof note>[0]) => {
        beats += 1
        return note(node)
      },
    })
    return () => beats
  }

  /** The note of a node that has these settings and was killed. */
  async function notesOf(name: string, settings: Settings) {
    const node = await join(name, settings)
    const notes = await storage.nodes.live(0)
    await node.leave()
    return notes
  }
})

describe('servers on one storage', () => {
  afterEach(stopServers)

  const keys = { ENCRYPTION_KEYS: KEY, COOKIE_KEYS: OLD, ISSUER }
  const start = (
    storage: ServerStorage,
    name: string,
    settings: object = {},
    environment: Readonly<Record<string, string>> = {},
  ): Promise<TestServer> =>
    startServer({
      storage,
      settings,
      environment: { ...keys, NODE_NAME: name, ...environment },
      heartbeatMilliseconds: 10,
    })
  const readyOf = async ({ url }: TestServer): Promise<unknown> =>
    (await new HttpClient().get(`${url}/health/ready`)).json

  it('see that "second factor optional" differs, at the start and at the next heartbeat', async () => {
    const storage = memoryStorage()
    const early = await start(storage, 'early')
    const late = await start(storage, 'late', { mfa: { required: 'optional' } })
    expect(late.lines.some((line) => /"error".*mfa\.required/.test(line))).to.equal(true)
    await until(() => early.lines.some((line) => /"warn".*late.*mfa\.required/.test(line)))
    expect([await readyOf(early), await readyOf(late)]).to.deep.equal([
      { status: 'ok' },
      { status: 'ok' },
    ])
  })

  it('answer 503 on ready of the later one under cluster.strict, while they differ', async () => {
    const storage = memoryStorage()
    const strict = { cluster: { strict: true } }
    const early = await start(storage, 'early', strict)
    const late = await start(storage, 'late', { ...strict, mfa: { required: 'optional' } })
    expect(await readyOf(late)).to.deep.equal({ status: 'unavailable', reason: 'drift' })
    expect((await new HttpClient().get(`${late.url}/health/live`)).status).to.equal(200)
    expect(await readyOf(early)).to.deep.equal({ status: 'ok' })
    await early.stop()
    await until(async () => ((await readyOf(late)) as { status: string }).status === 'ok')
  })

  it('do not start with another issuer, and leave the storage to the first', async () => {
    const storage = memoryStorage()
    const early = await start(storage, 'early')
    const other = await start(storage, 'late', {}, { ISSUER: 'http://other.example' }).then(
      () => undefined,
      (error: unknown) => error,
    )
    expect(other).to.be.instanceOf(ConfigError)
    expect((await storage.nodes.live(0)).map(({ name }) => name)).to.deep.equal(['early'])
    await early.stop()
    expect(await storage.nodes.live(0)).to.deep.equal([])
    await start(storage, 'late', {}, { ISSUER: 'http://other.example' })
  })

  it('show how they agree at /metrics', async () => {
    const storage = memoryStorage()
    await start(storage, 'early')
    const late = await start(
      storage,
      'late',
      { mfa: { required: 'optional' } },
      { METRICS_PORT: '0' },
    )
    const text = await (await fetch(late.metricsUrl ?? '')).text()
    expect(text).to.match(/^oidc_mfa_cluster_nodes(\{[^}]*\})? 2/m)
    expect(text).to.match(/^oidc_mfa_cluster_drift\{[^}]*setting="mfa\.required"[^}]*\} 1/m)
  })
})
