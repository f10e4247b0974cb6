import { expect } from 'chai'
import { ConfigError, parseEnvironment, type Environment } from '../../config/environment.ts'

const KEY_A = Buffer.from(Array.from({ length: 32 }, (_, i) => i * 7)).toString('base64')
const KEY_B = Buffer.from(Array.from({ length: 32 }, (_, i) => 255 - i * 3)).toString('base64url')
const DEMONSTRATION = Buffer.concat([Buffer.from('demo'), Buffer.from(KEY_A, 'base64').subarray(4)])

const KEYS = { ENCRYPTION_KEYS: KEY_A, COOKIE_KEYS: KEY_B }
const PRODUCTION = {
  ...KEYS,
  NODE_ENV: 'production',
  ISSUER: 'https://id.example.com',
  STORAGE_URL: 'sqlite:/srv/server.sqlite',
  SMTP_URL: 'smtps://user:hush@mail.example.com',
}

function parse(environment: Environment, files: Record<string, string> = {}) {
  return parseEnvironment(environment, (path) => {
    const text = files[path]
    if (text === undefined)
      throw Object.assign(new Error(`no such file ${path}`), { code: 'ENOENT' })
    return text
  })
}

function faultsOf(environment: Environment, files?: Record<string, string>): ConfigError {
  try {
    parse(environment, files)
  } catch (error) {
    if (error instanceof ConfigError) return error
    throw error
  }
  throw new Error('the settings were accepted')
}

describe('the environment', () => {
  it('needs nothing but keys outside production', () => {
    const config = parse(KEYS)
    expect(config).to.deep.include({
      production: false,
      host: '127.0.0.1',
      port: 3000,
      storage: { kind: 'sqlite', path: 'data/server.sqlite' },
      logLevel: 'info',
      demonstration: { port: 3001 },
      trustedProxies: [],
    })
    expect(config.settings.mfa.required).to.equal('everybody')
    expect(config.settings.sessions).to.deep.include({ longestSeconds: 86400, idleSeconds: 3600 })
  })

  it('treats an empty value as an absent one', () => {
    expect(parse({ ...KEYS, PORT: '', ISSUER: ' ' })).to.deep.include({ port: 3000 })
  })

  it('starts no demonstration when told so, and never in production', () => {
    expect(parse({ ...KEYS, DEMO: 'off' }).demonstration).to.equal(undefined)
    expect(parse({ ...PRODUCTION, DEMO: 'on' }).demonstration).to.equal(undefined)
  })

  it('keeps keys newest first and reads both base64 alphabets', () => {
    const { encryptionKeys } = parse({ ...KEYS, ENCRYPTION_KEYS: `${KEY_B}, ${KEY_A}` })
    expect(encryptionKeys.map((key) => Buffer.from(key).toString('base64'))).to.deep.equal([
      Buffer.from(KEY_B, 'base64url').toString('base64'),
      KEY_A,
    ])
  })

  for (const [what, keys] of Object.entries({
    'too short': Buffer.from(KEY_A, 'base64').subarray(1).toString('base64'),
    'not base64': 'correct horse battery staple correct horse!',
    'given twice': `${KEY_A},${KEY_A}`,
    'followed by nothing': `${KEY_A},`,
  }))
    it(`refuses a key that is ${what}`, () => {
      const { faults, message } = faultsOf({ ...KEYS, ENCRYPTION_KEYS: keys })
      expect(faults.map((fault) => fault.setting)).to.deep.equal(['ENCRYPTION_KEYS'])
      expect(message).not.to.contain(keys)
    })

  for (const issuer of [
    'ftp://id.example.com',
    'id.example.com',
    'https://id.example.com/',
    'https://id.example.com/path',
    'https://user@id.example.com',
    'https://id.example.com?x',
    'https://ID.example.com',
  ])
    it(`refuses the issuer ${issuer}`, () => {
      expect(faultsOf({ ...KEYS, ISSUER: issuer }).faults.map((f) => f.setting)).to.deep.equal([
        'ISSUER',
      ])
    })

  for (const [url, about] of [
    ['mongodb://u:hush@db.example/mfa', { tls: false, local: false }],
    ['mongodb://a:1,b:2,c/mfa?replicaSet=rs&tls=true', { tls: true, local: false }],
    ['mongodb://localhost,127.0.0.1:27018,[::1]:1/mfa', { tls: false, local: true }],
    ['mongodb+srv://u:hush@cluster.example/mfa', { tls: true, local: false }],
    ['mongodb+srv://cluster.example/mfa?tls=false', { tls: false, local: false }],
    ['mongodb://h/mfa?ssl=true&tlsInsecure=true', { tls: true, trustsAnyCertificate: true }],
  ] as const)
    it(`takes a MongoDB at ${url.replace('hush', '...')}`, () => {
      const { storage } = parse({ ...KEYS, STORAGE_URL: url })
      expect(storage).to.deep.include({ kind: 'mongodb', url, ...about })
    })

  for (const url of [
    'mongodb://u:hush@h',
    'mongodb://u:hush@h/',
    'mongodb://u:hush@h/?tls=true',
    'mongodb://u:hush/hush@h/db',
    'mongodb://u:hush?hush@h/db',
    'mongodb://u:hush@hush@h/db',
    'mongodb://u:hush@h/a.hush',
    'mongodb:hush',
  ])
    it(`R31 refuses ${url.replaceAll('hush', '...')}, and repeats nothing of it`, () => {
      const { faults, message } = faultsOf({ ...KEYS, STORAGE_URL: url })
      expect(faults.map(({ setting }) => setting)).to.deep.equal(['STORAGE_URL'])
      expect(message).to.match(/must name a database/)
      expect(message).not.to.contain('hush')
    })

  it('reads proxies as addresses and networks', () => {
    expect(parse({ ...KEYS, TRUSTED_PROXIES: '10.0.0.0/8, ::1' }).trustedProxies).to.deep.equal([
      { address: '10.0.0.0', prefix: 8, family: 'ipv4' },
      { address: '::1', prefix: 128, family: 'ipv6' },
    ])
    for (const bad of ['10.0.0.0/33', 'proxy', '10.0.0.0/8/8', '::1/129', '10.0.0.0/'])
      expect(faultsOf({ ...KEYS, TRUSTED_PROXIES: bad }).faults[0]?.setting).to.equal(
        'TRUSTED_PROXIES',
      )
  })

  it('lists every fault at once', () => {
    const { faults } = faultsOf({
      PORT: '70000',
      LOG_LEVEL: 'loud',
      DEMO: 'maybe',
      TRUSTED_PROXIES: 'x',
    })
    expect(faults.map((fault) => fault.setting)).to.have.members([
      'PORT',
      'LOG_LEVEL',
      'DEMO',
      'TRUSTED_PROXIES',
      'ENCRYPTION_KEYS',
      'COOKIE_KEYS',
    ])
  })
})

describe('secrets in files', () => {
  it('are read from NAME_FILE, a newline at the end ignored', () => {
    const config = parse(
      { ENCRYPTION_KEYS_FILE: '/run/a', COOKIE_KEYS_FILE: '/run/b', SMTP_URL_FILE: '/run/c' },
      { '/run/a': `${KEY_A}\n`, '/run/b': `${KEY_B}\r\n`, '/run/c': 'smtp://mail.example.com' },
    )
    expect(Buffer.from(config.encryptionKeys[0] ?? []).toString('base64')).to.equal(KEY_A)
    expect(config.mail?.url).to.equal('smtp://mail.example.com')
  })

  it('are refused when they are set twice, cannot be read or are empty', () => {
    const { faults } = faultsOf(
      {
        ...KEYS,
        COOKIE_KEYS_FILE: '/run/b',
        SMTP_URL_FILE: '/run/gone',
        STORAGE_URL_FILE: '/run/empty',
      },
      { '/run/b': KEY_B, '/run/empty': '\n' },
    )
    expect(faults.map((fault) => fault.setting)).to.have.members([
      'COOKIE_KEYS',
      'SMTP_URL',
      'STORAGE_URL',
    ])
  })

  it('are not looked for where the value is no secret', () => {
    expect(parse({ ...KEYS, PORT_FILE: '/run/gone' }).port).to.equal(3000)
  })
})

describe('the name of a node', () => {
  it('is short and plain, because it is in each line of the log, or absent', () => {
    expect(parse({ ...KEYS, NODE_NAME: 'node-a.example' }).nodeName).to.equal('node-a.example')
    expect(parse(KEYS)).not.to.have.property('nodeName')
    for (const name of ['with space', 'a'.repeat(65), 'x"y'])
      expect(faultsOf({ ...KEYS, NODE_NAME: name }).faults[0]?.setting).to.equal('NODE_NAME')
  })
})

describe('NODE_ENV', () => {
  it('is refused if it is neither production, development nor test', () => {
    for (const mode of ['Production', 'prod', 'production ', '"production"', 'staging'])
      expect(faultsOf({ ...KEYS, NODE_ENV: mode }).faults, mode).to.deep.equal([
        {
          setting: 'NODE_ENV',
          problem: 'must be production, development or test, without quotes or spaces',
        },
      ])
    for (const mode of ['', 'development', 'test'])
      expect(parse({ ...KEYS, NODE_ENV: mode }).production, mode).to.equal(false)
    expect(parse(PRODUCTION).production).to.equal(true)
  })
})

describe('misspelt variables', () => {
  const misspelt = { SMTP_URI: 'smtps://hush', TRUSTED_PROXY: '10.0.0.0/8', COOKIE_KEY_FILE: '/x' }
  const told = [
    ['SMTP_URI', 'is not a setting and has no effect (did you mean "SMTP_URL"?)'],
    ['TRUSTED_PROXY', 'is not a setting and has no effect (did you mean "TRUSTED_PROXIES"?)'],
    ['COOKIE_KEY_FILE', 'is not a setting and has no effect (did you mean "COOKIE_KEYS_FILE"?)'],
  ].map(([setting, problem]) => ({ setting, problem }))

  it('are told without their values, and the variables of other programs are not', () => {
    const others = {
      USER: 'root',
      HOME: '/root',
      MAIL: '/var/mail',
      HOSTNAME: 'a',
      npm_config_x: '1',
    }
    expect(parse({ ...KEYS, ...others, ...misspelt }).misspelt).to.deep.equal(told)
    expect(parse({ ...PRODUCTION, STORAGE_URL_FILE: '' }).misspelt).to.deep.equal([])
  })

  it('are told beside the faults, because one may be the setting that is missing', () => {
    const { ISSUER: _, ...others } = PRODUCTION
    const { faults } = faultsOf({ ...others, ISSUR: 'https://id.example.com' })
    expect(faults.map(({ setting }) => setting)).to.deep.equal(['ISSUER', 'ISSUR'])
  })
})

describe('production', () => {
  it('starts with an https issuer and keys, storage and mail of its own', () => {
    expect(parse(PRODUCTION)).to.deep.include({
      production: true,
      issuer: 'https://id.example.com',
      unfit: [],
    })
  })

  it('takes MongoDB, but not one whose certificate nobody checks', () => {
    const url = 'mongodb+srv://mfa:hush@cluster.example/mfa'
    expect(parse({ ...PRODUCTION, STORAGE_URL: url }).unfit).to.deep.equal([])
    for (const option of ['tlsInsecure', 'tlsAllowInvalidCertificates', 'tlsallowinvalidhostnames'])
      expect(
        faultsOf({ ...PRODUCTION, STORAGE_URL: `${url}?${option}=true` }).faults.map(
          ({ setting }) => setting,
        ),
      ).to.deep.equal(['STORAGE_URL'])
  })

  it('names everything that is missing in one refusal', () => {
    const { faults, message } = faultsOf({ NODE_ENV: 'production' })
    const wanted = ['ISSUER', 'ENCRYPTION_KEYS', 'COOKIE_KEYS', 'STORAGE_URL', 'SMTP_URL']
    expect(faults.map((fault) => fault.setting)).to.have.members(wanted)
    for (const name of wanted) expect(message).to.contain(name)
  })

  const demonstrationKey = DEMONSTRATION.toString('base64')
  for (const [setting, value] of Object.entries({
    ISSUER: 'http://id.example.com',
    ENCRYPTION_KEYS: demonstrationKey,
    COOKIE_KEYS: demonstrationKey,
    STORAGE_URL: 'sqlite:data/server.sqlite',
    SMTP_URL: 'http://mail.example.com',
  }))
    it(`refuses ${setting}=${value.slice(0, 30)}`, () => {
      const { faults } = faultsOf({ ...PRODUCTION, [setting]: value })
      expect(faults.map((fault) => fault.setting)).to.deep.equal([setting])
    })

  it('refuses a demonstration key behind a good one', () => {
    const { faults } = faultsOf({ ...PRODUCTION, ENCRYPTION_KEYS: `${KEY_A},${demonstrationKey}` })
    expect(faults.map((fault) => fault.setting)).to.deep.equal(['ENCRYPTION_KEYS'])
  })

  it('refuses a key that is not random', () => {
    const zeros = Buffer.alloc(32).toString('base64')
    const { faults } = faultsOf({ ...PRODUCTION, COOKIE_KEYS: zeros })
    expect(faults.map((fault) => fault.setting)).to.deep.equal(['COOKIE_KEYS'])
  })

  it('is what a demonstration is told it is not fit for', () => {
    const { unfit } = parse({ ...KEYS, ENCRYPTION_KEYS: demonstrationKey })
    expect(unfit.map((fault) => fault.setting)).to.have.members([
      'ISSUER',
      'ENCRYPTION_KEYS',
      'STORAGE_URL',
      'SMTP_URL',
    ])
  })
})

describe('the settings file', () => {
  const withFile = (content: unknown) => ({ '/etc/mfa.json': JSON.stringify(content) })
  const environment = { ...KEYS, CONFIG_FILE: '/etc/mfa.json' }

  it('changes what it names and leaves the rest', () => {
    const { settings } = parse(
      environment,
      withFile({ mfa: { required: 'optional' }, totp: { digits: 8 } }),
    )
    expect(settings.mfa.required).to.equal('optional')
    expect(settings.totp).to.deep.equal({
      algorithm: 'SHA1',
      digits: 8,
      periodSeconds: 30,
      window: 1,
    })
  })

  it('takes a list of groups that must have a second factor', () => {
    const { settings } = parse(environment, withFile({ mfa: { required: ['staff'] } }))
    expect(settings.mfa.required).to.deep.equal(['staff'])
  })

  it('names the setting that a misspelt one stands for', () => {
    const { faults } = faultsOf(
      environment,
      withFile({ passwords: { minimumLenght: 9 }, mfaa: {}, colours: {} }),
    )
    const see = 'see docs/reference/configuration.md'
    expect(faults.map(({ problem }) => problem)).to.have.members([
      `is not a setting (did you mean "minimumLength"?): ${see}`,
      `is not a setting (did you mean "mfa"?): ${see}`,
      `is not a setting: ${see}`,
    ])
  })

  it('refuses names it does not know: a misspelt limit would not limit', () => {
    const { faults } = faultsOf(
      environment,
      withFile({ passwords: { minimumLenght: 12 }, mfaa: {} }),
    )
    expect(faults.map((fault) => fault.setting)).to.have.members([
      'CONFIG_FILE passwords.minimumLenght',
      'CONFIG_FILE mfaa',
    ])
  })

  it('takes a policy in either spelling, and levels in no group', () => {
    const { settings } = parse(
      environment,
      withFile({ policy: { rules: [{ name: 'r' }], trusted_browser_seconds: 60 }, levels: [{}] }),
    )
    expect(settings.policy).to.deep.equal({
      rules: [{ name: 'r' }],
      shadow: [],
      trustedBrowserSeconds: 60,
    })
    expect(settings.levels).to.deep.equal([{}])
    expect(parse(environment, withFile({})).settings.levels).to.equal(undefined)
  })

  it('takes APIs by their addresses, with JWT access tokens by default', () => {
    const resources = { 'https://api.example': { scopes: ['read'] } }
    expect(parse(environment, withFile({ resources })).settings.resources).to.deep.equal({
      'https://api.example': { scopes: ['read'], format: 'jwt' },
    })
    expect(parse(environment, withFile({})).settings.resources).to.deep.equal({})
  })

  for (const [fault, resources] of [
    ['a path in place of an address', { '/api': { scopes: [] } }],
    ['an address with a fragment', { 'https://api.example#x': { scopes: [] } }],
    ['a scope with a space', { 'https://api.example': { scopes: ['read all'] } }],
    ['a scope of the server itself', { 'https://api.example': { scopes: ['openid'] } }],
    ['another format', { 'https://api.example': { scopes: [], format: 'paseto' } }],
    ['a misspelt member', { 'https://api.example': { scope: [] } }],
    [
      'one client in place of a list',
      { 'https://api.example': { scopes: [], introspectedBy: 'a' } },
    ],
  ] as const)
    it(`refuses an API with ${fault}`, () => {
      const { faults } = faultsOf(environment, withFile({ resources }))
      expect(faults.map(({ setting }) => setting.slice(0, 21)))
        .to.include('CONFIG_FILE resources')
        .and.to.have.length.at.most(2)
    })

  it('refuses a policy of another shape', () => {
    const policy = {
      rules: {},
      trusted_browser_seconds: 2_592_001,
      shadow_rules: [],
    }
    expect(faultsOf(environment, withFile({ policy, levels: {} })).faults).to.have.deep.members([
      { setting: 'CONFIG_FILE policy.rules', problem: 'must be a list of rules' },
      {
        setting: 'CONFIG_FILE policy.trustedBrowserSeconds',
        problem: 'must be a whole number from 0 to 2592000',
      },
      {
        setting: 'CONFIG_FILE policy.shadowRules',
        problem: 'is not a setting: see docs/reference/configuration.md',
      },
      { setting: 'CONFIG_FILE levels', problem: 'must be a list of levels' },
    ])
    const twice = { trusted_browser_seconds: 1, trustedBrowserSeconds: 1 }
    expect(faultsOf(environment, withFile({ policy: twice })).faults).to.have.length(1)
  })

  it('R6 refuses a window and period that together reach beyond 150 s', () => {
    expect(parse(environment, withFile({ totp: { window: 2 } })).settings.totp.window).to.equal(2)
    const { faults } = faultsOf(environment, withFile({ totp: { window: 2, periodSeconds: 31 } }))
    expect(faults.map((fault) => fault.setting)).to.deep.equal(['CONFIG_FILE totp.window'])
  })

  it('R1 R4 cannot raise the failures per name above 100', () => {
    const { faults } = faultsOf(environment, withFile({ passwords: { failuresPerName: 101 } }))
    expect(faults.map((fault) => fault.setting)).to.deep.equal([
      'CONFIG_FILE passwords.failuresPerName',
    ])
  })

  it('refuses a link that runs a script', () => {
    const { faults } = faultsOf(environment, withFile({ service: { help: 'javascript:alert(1)' } }))
    expect(faults.map((fault) => fault.setting)).to.deep.equal(['CONFIG_FILE service.help'])
  })

  it('refuses to mail enrolment codes without mail', () => {
    const { faults } = faultsOf(environment, withFile({ mfa: { firstEnrolment: 'mailed-code' } }))
    expect(faults.map((fault) => fault.setting)).to.deep.equal(['CONFIG_FILE mfa.firstEnrolment'])
  })

  it('refuses POST to the authorization endpoint without https', () => {
    const file = withFile({ features: { postAuthorization: true } })
    const setting = 'CONFIG_FILE features.postAuthorization'
    expect(faultsOf(environment, file).faults.map((fault) => fault.setting)).to.deep.equal([
      setting,
    ])
    expect(parse({ ...environment, ISSUER: 'https://id.example.com' }, file).issuer).to.be.a(
      'string',
    )
  })

  it('names a file that is missing or is not JSON, and shows none of it', () => {
    const { faults, message } = faultsOf(
      { ...environment, CLIENTS_FILE: '/etc/clients.json', JWKS_FILE: '/etc/gone' },
      { '/etc/mfa.json': '[', '/etc/clients.json': '[{"client_secret": hush}]' },
    )
    expect(faults.map((fault) => fault.setting)).to.have.members([
      'CONFIG_FILE',
      'CLIENTS_FILE',
      'JWKS_FILE',
    ])
    expect(message).not.to.contain('hush')
  })
})
