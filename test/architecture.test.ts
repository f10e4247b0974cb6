import { expect } from 'chai'
import { globSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path/posix'
import { fileURLToPath } from 'node:url'
import { readSource, type Import, type Source } from './support/imports.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** A part of the product and what it may know of the others. Whatever is not listed is refused. */
interface Part {
  /** The files that belong to it: path prefixes, or one file. The first part that fits has the file. */
  readonly at: readonly string[]
  /** Parts it may import. `types:X`: only what is gone at run time. */
  readonly may: readonly string[]
  /** Packages and Node's modules. `types:X` likewise. */
  readonly packages: readonly string[]
}

const PARTS: Readonly<Record<string, Part>> = {
  // The vocabulary of every part: types, error codes, lengths of time, how an address and a browser are shown, which
  // name a misspelt one stands for. It decides nothing.
  vocabulary: {
    at: [
      'assurance',
      'browser-name',
      'errors',
      'events',
      'json',
      'masked-address',
      'nearest-name',
      'permanent-fault',
      'shown-network',
      'time',
    ].map((name) => `src/domain/${name}.ts`),
    may: ['vocabulary'],
    packages: [],
  },
  // The bound of the entries about refused attempts: the plugin's events and the server's own entries share it.
  tally: { at: ['src/domain/refusal-tally.ts'], may: ['vocabulary'], packages: [] },
  // Whether the nodes of one deployment agree. It knows no account: only the server has nodes.
  drift: { at: ['src/domain/drift.ts'], may: ['vocabulary'], packages: [] },
  // The rules of the chain of the audit trail: the storages, which link entries, and `audit verify` share them.
  chain: {
    at: ['src/domain/audit-chain.ts', 'src/domain/audit-chain-walk.ts'],
    may: ['vocabulary', 'chain'],
    packages: [],
  },
  domain: { at: ['src/domain/'], may: ['vocabulary', 'domain'], packages: [] },
  ports: {
    at: ['src/ports/'],
    may: ['vocabulary', 'types:chain', 'types:domain', 'ports'],
    packages: ['types:oidc-provider'],
  },
  passkeys: {
    // A subpath of its own: no other part knows it, and it loads the library for WebAuthn when a response arrives.
    at: ['src/factors/passkey/'],
    may: ['vocabulary', 'ports', 'types:factors', 'passkeys'],
    packages: ['node:crypto', '@simplewebauthn/server'],
  },
  factors: {
    at: ['src/factors/'],
    may: ['vocabulary', 'domain', 'ports', 'factors'],
    packages: ['node:crypto', 'otplib', 'qrcode'],
  },
  application: {
    at: ['src/application/'],
    may: ['vocabulary', 'tally', 'domain', 'ports', 'factors', 'application'],
    packages: ['node:crypto', 'node:timers/promises', 'zod'],
  },
  cryptography: {
    // The ports that every deployment needs and the public entry makes: sealing, hashing, clock, randomness.
    at: ['src/adapters/crypto/'],
    may: ['vocabulary', 'types:domain', 'ports', 'cryptography'],
    packages: ['node:crypto', 'node:os', 'node:util', '@node-rs/argon2', '@node-rs/bcrypt'],
  },
  'mongodb-server': {
    // Loads Mongoose by itself; the plugin's half takes the application's, which may be another copy.
    at: ['connection', 'server-storage'].map((name) => `src/adapters/mongoose/${name}.ts`),
    may: ['vocabulary', 'ports', 'adapters', 'cryptography', 'mongodb-server'],
    packages: ['mongoose'],
  },
  adapters: {
    at: ['src/adapters/'],
    may: ['vocabulary', 'chain', 'types:domain', 'ports', 'host', 'adapters', 'cryptography'],
    packages: [
      'node:async_hooks',
      'node:crypto',
      'node:fs',
      'node:fs/promises',
      'node:os',
      'node:path',
      'node:sqlite',
      'node:timers/promises',
      'node:url',
      'node:util',
      'nodemailer',
      'oidc-provider',
      'types:mongoose',
    ],
  },
  host: {
    // All that the product uses of oidc-provider beyond its documentation, and nothing else.
    at: ['src/host/'],
    may: ['vocabulary', 'types:domain', 'host'],
    packages: ['node:http', 'node:net', 'oidc-provider'],
  },
  http: {
    at: ['src/http/'],
    // The contract says what a factor brings to be shown, and what its pages are given.
    may: ['vocabulary', 'types:domain', 'types:ports', 'types:factors', 'http'],
    packages: [
      'node:async_hooks',
      'node:crypto',
      'node:fs',
      'node:http',
      'node:net',
      'node:path',
      'node:url',
      // It makes functions of the code that Nunjucks compiles from a template.
      'node:vm',
      'koa',
      'nunjucks',
      'types:@koa/router',
    ],
  },
  observe: {
    // The instruments of OpenTelemetry, and which event is the outcome of which step.
    at: ['src/observe/'],
    may: ['vocabulary', 'ports', 'observe'],
    packages: ['@opentelemetry/api'],
  },
  import: {
    // All that takes over another product's factors, and nothing else. A sign-in reaches it through what the public
    // entry hands over: rules, and pages between the second factor and the app.
    at: ['src/import/'],
    may: [
      'vocabulary',
      'domain',
      'ports',
      'factors',
      'application',
      'import',
      'types:http',
      'types:interactions',
    ],
    packages: ['otplib'],
  },
  interactions: {
    at: ['interactions/'],
    // The domain itself too: a prompt asks its policy, a pure question, on every authorization.
    may: [
      'vocabulary',
      'domain',
      'types:ports',
      'types:factors',
      'application',
      'host',
      'http',
      'interactions',
    ],
    packages: ['koa', '@koa/router', 'oidc-provider', 'node:http', 'node:crypto'],
  },
  plugin: {
    at: ['src/plugin/', 'src/index.ts'],
    may: [
      'vocabulary',
      'domain',
      'ports',
      'factors',
      'application',
      'host',
      'http',
      'observe',
      'interactions',
      'cryptography',
      'consoles',
      'import',
      'plugin',
    ],
    packages: [
      'types:@opentelemetry/api',
      'koa',
      '@koa/router',
      'oidc-provider',
      'zod',
      'node:http',
      'node:crypto',
      'node:util',
    ],
  },
  'testing-code': {
    // A code for the tests of an application: it needs the record of an account and the key that opens it.
    at: ['src/testing/code-for.ts'],
    may: ['vocabulary', 'types:ports', 'factors', 'application', 'cryptography', 'plugin'],
    packages: [],
  },
  testing: {
    // The contract suites and factors that a third party runs on its own adapters.
    at: ['src/testing/'],
    // `http` shows the pages that a factor brings.
    may: ['vocabulary', 'chain', 'domain', 'ports', 'factors', 'http', 'testing', 'testing-code'],
    packages: ['node:assert', 'node:assert/strict', 'node:crypto', 'oidc-provider'],
  },
  config: {
    at: ['config/'],
    // The options of a factor are checked by its own rules.
    may: ['vocabulary', 'types:domain', 'passkeys', 'config'],
    packages: ['node:fs', 'node:path', 'node:url', 'node:net', 'node:crypto', 'zod'],
  },
  consoles: {
    at: ['src/account/'],
    may: [
      'vocabulary',
      'domain',
      'types:ports',
      'application',
      'host',
      'http',
      'interactions',
      'consoles',
    ],
    packages: [
      'koa',
      '@koa/router',
      'light-my-request',
      'openid-client',
      'zod',
      'node:crypto',
      'types:node:http',
      'types:oidc-provider',
    ],
  },
  'server-import': {
    // The server's half of src/import: files of people, users of an application, and the commands for both.
    at: ['src/server/import/'],
    may: [
      'vocabulary',
      'types:ports',
      'plugin',
      'adapters',
      'cryptography',
      'config',
      'server',
      'server-import',
    ],
    packages: [
      'commander',
      '@streamparser/json',
      'csv-parse',
      'mongoose',
      'node:fs',
      'node:fs/promises',
      'node:os',
      'zod',
    ],
  },
  demonstration: {
    // The app that the demonstration signs people in to. It stands for one of somebody else: it knows nothing of the product.
    at: ['src/server/demonstration/'],
    may: ['demonstration'],
    packages: ['node:crypto', 'node:fs/promises', 'node:http', 'jose', 'openid-client'],
  },
  server: {
    at: ['src/server/'],
    may: [
      'vocabulary',
      'tally',
      'chain',
      'drift',
      'types:domain',
      'types:ports',
      'plugin',
      'passkeys',
      'adapters',
      'mongodb-server',
      'cryptography',
      'config',
      'consoles',
      'host',
      'http',
      'observe',
      'server',
      'server-import',
      'demonstration',
    ],
    packages: ['*'],
  },
  'resource-server': {
    // The side of an API. It asks a provider over HTTP and loads nothing of ours.
    at: ['src/resource-server/'],
    may: ['vocabulary', 'resource-server'],
    packages: ['jose', 'types:node:http'],
  },
  'relying-party': {
    // Starts the demonstration's app by itself.
    at: ['examples/relying-party/'],
    may: ['demonstration'],
    packages: [],
  },
  'protected-api': {
    // Stand for an API of somebody else and an app that calls it.
    at: ['examples/resource-server/'],
    may: ['protected-api'],
    packages: ['node:http', 'node:crypto', 'openid-client', 'oidc-provider-mfa'],
  },
  'existing-provider': {
    // Stand for providers of somebody else: they know the product by its package's name alone.
    at: ['examples/existing-provider/', 'examples/existing-provider-express/'],
    may: ['existing-provider'],
    packages: [
      '@koa/bodyparser',
      '@koa/router',
      'express',
      'koa',
      'koa-mount',
      'mongoose',
      'nodemailer',
      'node:crypto',
      'node:events',
      'node:http',
      'node:url',
      'node:util',
      'oidc-provider',
      'oidc-provider-mfa',
    ],
  },
}

/** Their packages are theirs: what no part of the product imports is a development dependency. */
const FOREIGN = /^examples\/(existing-provider|resource-server)/

/** Of the plugin, the server may use what any customer can: the public entry. */
const PUBLIC_ENTRY = 'src/index.ts'

/** Of the passkeys, the server may use the entry of their subpath, and its settings the rules of the options. */
const PASSKEYS_ENTRY = 'src/factors/passkey/index.ts'
const PASSKEYS_OPTIONS = 'src/factors/passkey/options.ts'

/** The part of the import slice that the public entry imports. */
const IMPORT_ENTRY = 'src/import/index.ts'

/** The command line, which alone reaches the server's half of an import. */
const COMMANDS = 'src/server/cli/'

/**
 * Fields of a record that an import leaves behind. Their meaning is in the slice alone; these files write their format
 * down, show them to a person, or clear them with the rest.
 */
const OF_IMPORTS = /\b(renewBy|mustEnrolSince)\b/
const IN_SLICE = /^src\/(import|server\/import)\//
const KNOW_OF_IMPORTS = [
  'src/account/overview.ts',
  'src/application/manage-accounts.ts',
  'src/application/record-format.ts',
  'src/domain/enrolment.ts',
  'src/domain/mfa-record.ts',
  'src/server/accounts/find-people.ts',
  'src/server/cli/user-show.ts',
]

const FOLDERS = ['config', 'interactions', 'src', 'examples']
const files = FOLDERS.flatMap((folder) =>
  globSync(`${folder}/**/*.{ts,mts,cts,js,mjs,cjs}`, { cwd: ROOT }),
).sort()
const sources = new Map<string, Source>(files.map((file) => [file, readSource(ROOT, file)]))

function partOf(file: string): string | undefined {
  return Object.entries(PARTS).find(([, { at }]) =>
    at.some((prefix) => (prefix.endsWith('/') ? file.startsWith(prefix) : file === prefix)),
  )?.[0]
}

/** The package of a specifier: `@scope/name/sub` -> `@scope/name`; Node's modules keep their whole name. */
function packageOf(specifier: string): string {
  if (specifier.startsWith('node:')) return specifier
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

function allows(list: readonly string[], name: string, typeOnly: boolean): boolean {
  return list.includes('*') || list.includes(name) || (typeOnly && list.includes(`types:${name}`))
}

function judge(file: string, reference: Import): string | undefined {
  const part = partOf(file)
  const rules = part === undefined ? undefined : PARTS[part]
  if (rules === undefined) return 'belongs to no part of the design'
  if (reference.file === undefined) {
    const name = packageOf(reference.specifier)
    return allows(rules.packages, name, reference.typeOnly) ? undefined : `may not use ${name}`
  }
  const target = partOf(reference.file)
  if (target === undefined || !sources.has(reference.file))
    return `imports ${reference.file}, which is no file of the product`
  if (!allows(rules.may, target, reference.typeOnly))
    return `(${part}) may not import ${reference.file} (${target})${
      rules.may.includes(`types:${target}`) ? ' but for its types' : ''
    }`
  if (/^server/.test(part ?? '') && target === 'plugin' && reference.file !== PUBLIC_ENTRY)
    return `may use the plugin through ${PUBLIC_ENTRY} only, not ${reference.file}`
  if (target === 'passkeys' && part !== 'passkeys') {
    const entry = part === 'config' ? PASSKEYS_OPTIONS : PASSKEYS_ENTRY
    if (reference.file !== entry) return `may use the passkeys through ${entry} only`
  }
  if (target === 'server-import' && part !== 'server-import' && !file.startsWith(COMMANDS))
    return `may not import ${reference.file}: the commands alone do`
  if (target === 'import' && part !== 'import')
    return file === PUBLIC_ENTRY && reference.file === IMPORT_ENTRY
      ? undefined
      : `may not import ${reference.file}: ${PUBLIC_ENTRY} alone imports the slice, by ${IMPORT_ENTRY}`
  return undefined
}

/** The folders that are all about passkeys. */
const OF_PASSKEYS = /^(src\/factors\/passkey|views\/factors\/passkey)\/|^config\/passkeys\.ts$/

/**
 * The other files that name passkeys or WebAuthn, apart from comments, and the words: the names that people's programs
 * rely on, each in one place, and the settings of the server. Every other file knows the contract of a factor alone.
 */
const NAME_PASSKEYS: Readonly<Record<string, RegExp>> = {
  // The names of the public entry: the form for a login page, and the id of the factor that it is made for.
  'src/index.ts': /^(passkeySignIn|PasskeySignIn|PASSKEY|passkey)$/,
  'views/interaction/login.njk': /^webauthn$/,
  // The bounded entry of the audit trail, and its sentence.
  'src/server/observe/audit.ts': /^passkey-refused$/,
  'src/server/accounts/sign-in-alone.ts': /^passkey-refused$/,
  'views/messages/en.json': /^(activity\.passkey-refused|passkey)$/i,
  'views/messages/de.json': /^(activity\.passkey-refused|passkey)$/i,
  // The addresses for browsers and password managers.
  'src/server/pages/well-knowns.ts': /./,
  'src/server/pages/login.ts': /^mfa\.passkeySignIn$/,
  // Types of credentials that Keycloak exports.
  'src/server/import/exports/keycloak.ts': /^webauthn(-passwordless)?$/,
  // The settings of the server and the line that makes the factor of them.
  'config/environment.ts': /./,
  'config/deciding.ts': /^(config\.settings\.)?passkeys$/,
  'config/schema.ts': /./,
  'config/settings-file.ts': /./,
  'src/server/boot/factors.ts': /./,
  'src/server/boot/announce.ts': /^(config\.settings\.)?passkeys(\.ts)?$/,
  'src/server/boot/app.ts': /^(foundation\.settings\.)?passkeys$/,
  'src/server/upkeep/doctor.ts': /^(settings\.)?passkeys(\.ts)?$/,
}

/** The words of a file, apart from its comments, that name passkeys or WebAuthn. */
function passkeyWords(file: string): readonly string[] {
  const text = readFileSync(`${ROOT}/${file}`, 'utf8')
    .replaceAll(/\/\*[\s\S]*?\*\/|\{#[\s\S]*?#\}/g, '')
    .replaceAll(/(^|\s)\/\/.*$/gm, '')
  return [...text.matchAll(/[\w.-]*(?:passkey|webauthn)[\w-]*(?:\.ts)?/gi)].map(([word]) => word)
}

describe('the architecture', () => {
  it('gives every source file to one part of the design', () => {
    expect(files.length).to.be.greaterThan(10)
    expect(files.filter((file) => partOf(file) === undefined)).to.deep.equal([])
  })

  it('lets each part import what the design allows and nothing else', () => {
    const faults = files.flatMap((file) =>
      (sources.get(file)?.imports ?? []).flatMap((reference) => {
        const fault = judge(file, reference)
        return fault === undefined ? [] : [`${file} ${fault}`]
      }),
    )
    expect(faults).to.deep.equal([])
  })

  it('has no import whose target is computed', () => {
    const computed = files.filter((file) => (sources.get(file)?.computedImports ?? 0) > 0)
    expect(computed).to.deep.equal([])
  })

  it('has no circular imports, types included', () => {
    expect(cycles()).to.deep.equal([])
  })

  it('has no file that none of its entries leads to', () => {
    const entries = [
      ...publicEntries(),
      // The program that bin/ runs.
      'src/server/cli/index.ts',
      // The documented templates of a storage adapter and of factors, which the tests run on.
      'src/adapters/memory/index.ts',
      'src/testing/factors.ts',
      'examples/relying-party/main.ts',
      'examples/resource-server/api.ts',
      'examples/resource-server/client.ts',
    ]
    const examples = files.filter((file) =>
      /^examples\/.*\/(before|after|passkeys)\/app\.ts$/.test(file),
    )
    const reached = new Set<string>()
    const walk = (file: string): void => {
      if (reached.has(file)) return
      reached.add(file)
      for (const reference of sources.get(file)?.imports ?? [])
        if (reference.file !== undefined) walk(reference.file)
    }
    for (const file of [...entries, ...examples]) walk(file)
    expect(entries.filter((file) => !sources.has(file))).to.deep.equal([])
    expect(files.filter((file) => !reached.has(file))).to.deep.equal([])
  })

  it('exports no value that no other file imports', () => {
    const others = ['test', 'bench'].flatMap((folder) =>
      globSync(`${folder}/**/*.ts`, { cwd: ROOT }).map((file) => readSource(ROOT, file)),
    )
    const taken = new Set<string>()
    for (const { imports } of [...sources.values(), ...others])
      for (const { file, names } of imports) {
        // `import * as` and `import()` may use anything.
        for (const name of names.length === 0 ? ['*'] : names) taken.add(`${file} ${name}`)
      }
    // bin/ calls it.
    taken.add('src/server/cli/index.ts main')
    const unused = files.flatMap((file) =>
      taken.has(`${file} *`)
        ? []
        : (sources.get(file)?.exports ?? [])
            .filter((name) => !taken.has(`${file} ${name}`))
            .filter(() => !publicEntries().includes(file))
            .map((name) => `${file} ${name}`),
    )
    expect(unused).to.deep.equal([])
  })

  it("names passkeys only in their folders, in the settings of the server, and where people's programs rely on a name", () => {
    const others = globSync('{config,interactions,src,views,bin}/**/*.{ts,mjs,js,njk,json,css}', {
      cwd: ROOT,
    }).filter((file) => !OF_PASSKEYS.test(file))
    expect(others.length).to.be.greaterThan(200)
    const faults = others.flatMap((file) =>
      passkeyWords(file)
        .filter((word) => NAME_PASSKEYS[file]?.test(word) !== true)
        .map((word) => `${file}: ${word}`),
    )
    expect([...new Set(faults)]).to.deep.equal([])
  })

  it('changes a setting in one place of the server, and goes through the accounts in one', () => {
    const usersOf = (pattern: RegExp): string[] =>
      files.filter((file) => file.startsWith('src/server/') && uses(file, pattern))
    expect(usersOf(/\bsettings\.(insert|replace)$/)).to.deep.equal([
      'src/server/upkeep/change-setting.ts',
    ])
    expect(usersOf(/\b(accounts\.list|storage\.recordIds)$/)).to.deep.equal([
      'src/server/accounts/batches.ts',
    ])
  })

  it('asks the policy for a decision in one module', () => {
    const asking = files.filter((file) =>
      sources.get(file)?.imports.some(
        ({ file: target, typeOnly, names }) =>
          target === 'src/domain/policy/decide.ts' &&
          !typeOnly &&
          // `import * as` and `import()` could call it too.
          (names.length === 0 || names.includes('decide')),
      ),
    )
    expect(asking).to.deep.equal(['interactions/ask-policy.ts'])
  })

  it('reads the environment in config/ only', () => {
    const readers = files.filter(
      (file) =>
        !file.startsWith('config/') &&
        !file.startsWith('examples/') &&
        uses(file, /^(globalThis\.)?process\.env\b/),
    )
    expect(readers).to.deep.equal([])
  })

  it('keeps the meaning of what an import leaves in a record inside the slice', () => {
    const knowing = files.filter(
      (file) => !IN_SLICE.test(file) && OF_IMPORTS.test(readFileSync(`${ROOT}/${file}`, 'utf8')),
    )
    expect(knowing).to.deep.equal(KNOW_OF_IMPORTS)
  })

  it('reads the clock in one place, and besides only in an API, to order entries of one second and to compare two clocks', () => {
    const readers = files.filter(
      (file) => /^(src|interactions)\//.test(file) && uses(file, /^Date\.now$/),
    )
    expect(readers).to.deep.equal([
      'src/adapters/crypto/system.ts',
      'src/adapters/mongoose/inspect.ts',
      'src/adapters/mongoose/order.ts',
      'src/resource-server/clock.ts',
    ])
  })

  it('takes time and randomness as arguments in the domain, the factors and the import', () => {
    const impure = files
      .filter((file) => /^src\/(domain|factors|import)\//.test(file))
      .filter(
        (file) =>
          uses(file, /^(Date\.now|Math\.random|performance\.now|new Date\(\))$/) ||
          uses(file, /\b(getRandomValues|randomUUID|randomBytes|randomInt)$/) ||
          takes(file, /^(random\w*|getRandomValues|webcrypto|generateKey\w*)$/),
      )
    expect(impure).to.deep.equal([])
  })

  it('names in package.json every package that is imported, and imports every one that is named', () => {
    const manifest = JSON.parse(readFileSync(`${ROOT}/package.json`, 'utf8')) as {
      dependencies: Record<string, string>
      peerDependencies: Record<string, string>
    }
    const { dependencies, peerDependencies } = manifest
    const named = Object.keys({ ...dependencies, ...peerDependencies })
    const imported = new Set(
      files
        .filter((file) => !FOREIGN.test(file))
        .flatMap((file) =>
          (sources.get(file)?.imports ?? [])
            .filter((reference) => reference.file === undefined)
            .map((reference) => packageOf(reference.specifier))
            .filter((name) => !name.startsWith('node:')),
        ),
    )
    expect([...imported].filter((name) => !named.includes(name))).to.deep.equal([])
    const types = /^@types\//
    expect(named.filter((name) => !types.test(name) && !imported.has(name))).to.deep.equal([])
  })
})

/** The files behind `exports` of package.json. */
function publicEntries(): string[] {
  const { exports } = JSON.parse(readFileSync(`${ROOT}/package.json`, 'utf8')) as {
    exports: Record<string, string | { default: string }>
  }
  return Object.values(exports).flatMap((entry) =>
    typeof entry === 'string' ? [] : [entry.default.replace(/^\.\/dist\/(.*)\.js$/, '$1.ts')],
  )
}

function uses(file: string, pattern: RegExp): boolean {
  return (sources.get(file)?.members ?? []).some((member) => pattern.test(member))
}

function takes(file: string, pattern: RegExp): boolean {
  return (sources.get(file)?.imports ?? []).some((reference) =>
    reference.names.some((name) => pattern.test(name)),
  )
}

/** Each circle of imports once, as the path around it. */
function cycles(): string[] {
  const found: string[] = []
  const done = new Set<string>()
  const walk = (file: string, path: readonly string[]): void => {
    const at = path.indexOf(file)
    if (at !== -1) found.push([...path.slice(at), file].join(' -> '))
    if (at !== -1 || done.has(file)) return
    for (const reference of sources.get(file)?.imports ?? [])
      if (reference.file !== undefined) walk(reference.file, [...path, file])
    done.add(file)
  }
  for (const file of files) walk(file, [])
  return found
}

describe('the reader of imports behind the architecture test', () => {
  it('sees every way to refer to a module', () => {
    const folder = dirname(import.meta.filename)
    const { imports, computedImports, members } = readSource(folder, 'support/imports.sample.txt')
    expect(imports.map(({ specifier, typeOnly }) => [specifier, typeOnly])).to.deep.equal([
      ['./value.ts', false],
      ['./type.ts', true],
      ['./each-type.ts', false],
      ['./mixed.ts', false],
      ['./side-effect.ts', false],
      ['./all.ts', false],
      ['./exported.ts', false],
      ['./exported-type.ts', true],
      ['./star.ts', false],
      ['./dynamic.ts', false],
      ['./typeof.ts', true],
    ])
    expect(imports[0]).to.deep.include({ file: 'support/value.ts', names: ['original'] })
    expect(computedImports).to.equal(1)
    expect(members).to.include.members(['process.env.SECRET', 'Date.now', 'new Date()'])
  })
})
