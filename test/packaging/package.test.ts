import { expect } from 'chai'
import { execFileSync } from 'node:child_process'
import {
  accessSync,
  constants,
  cpSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const NAME = 'oidc-provider-mfa'

/** What a clone has besides what is tracked. */
const NOT_COPIED = /^(node_modules|\.git|dist|data|coverage|screenshots|secrets)$/

interface Manifest {
  readonly exports: Record<string, string | { readonly types: string; readonly default: string }>
  readonly bin: Record<string, string>
}

/** Packs the package as `npm publish` would, in a copy: a build must not touch the tree that others work in. */
describe('the published package', function () {
  this.timeout(180_000)
  let folder: string
  /** Where the package lies as an application has it: node_modules/oidc-provider-mfa. */
  let installed: string
  let packed: string[]
  let manifest: Manifest

  before(() => {
    folder = mkdtempSync(join(tmpdir(), `${NAME}-pack-`))
    const copy = join(folder, 'clone')
    mkdirSync(copy)
    for (const entry of readdirSync(ROOT))
      if (!NOT_COPIED.test(entry)) cpSync(join(ROOT, entry), join(copy, entry), { recursive: true })
    symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
    const answer = execFileSync('npm', ['pack', '--json', '--pack-destination', folder], {
      cwd: copy,
      stdio: ['ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
    })
    const [tarball] = JSON.parse(answer.slice(answer.indexOf('[\n'))) as [
      { filename: string; files: { path: string }[] },
    ]
    packed = tarball.files.map(({ path }) => path).toSorted()

    const application = join(folder, 'application')
    const modules = join(application, 'node_modules')
    installed = join(modules, NAME)
    mkdirSync(installed, { recursive: true })
    execFileSync('tar', ['-xzf', join(folder, tarball.filename), '-C', installed, '--strip=1'])
    for (const entry of readdirSync(join(ROOT, 'node_modules')))
      if (!entry.startsWith('.'))
        symlinkSync(join(ROOT, 'node_modules', entry), join(modules, entry))
    writeFileSync(
      join(application, 'package.json'),
      JSON.stringify({ name: 'application', private: true, type: 'module' }),
    )
    manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as Manifest
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  it('holds the program, its views and what a reader needs, and nothing else', () => {
    const others = packed.filter((path) => !/^dist\/(config|interactions|src|views)\//.test(path))
    const example = others.filter((path) => path.startsWith('dist/examples/relying-party/'))
    expect(others.filter((path) => !example.includes(path))).to.deep.equal([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'SECURITY.md',
      `bin/${NAME}.mjs`,
      'package.json',
    ])
    expect(example).to.include('dist/examples/relying-party/style.css')
  })

  it('has each module built, with its types, and no source', () => {
    const sources = globSync('{config,interactions,src,examples/relying-party}/**/*.ts', {
      cwd: ROOT,
    })
    const built = sources.flatMap((path) => [
      `dist/${path.replace(/\.ts$/, '.js')}`,
      `dist/${path.replace(/\.ts$/, '.d.ts')}`,
    ])
    expect(built.filter((path) => !packed.includes(path))).to.deep.equal([])
    expect(packed.filter((path) => /(?<!\.d)\.ts$/.test(path))).to.deep.equal([])
    const views = globSync('views/**/*.*', { cwd: ROOT }).map((path) => `dist/${path}`)
    expect(views.filter((path) => !packed.includes(path))).to.deep.equal([])
  })

  it('has every file that its exports and its program name', () => {
    const named = [
      ...Object.values(manifest.exports).flatMap((entry) =>
        typeof entry === 'string' ? [entry] : [entry.types, entry.default],
      ),
      ...Object.values(manifest.bin),
    ].map((path) => path.replace(/^\.\//, ''))
    expect(named.filter((path) => !packed.includes(path))).to.deep.equal([])
    accessSync(join(installed, manifest.bin[NAME] ?? ''), constants.X_OK)
  })

  it('can be imported from an application, from plain JavaScript', () => {
    const program = `
      const { createMfa, totp, backupCodes } = await import('${NAME}')
      const entries = ${JSON.stringify(Object.keys(manifest.exports))}
      for (const entry of entries.filter((each) => each !== '.' && !each.endsWith('.json')))
        await import('${NAME}' + entry.slice(1))
      console.log(typeof createMfa, typeof totp, typeof backupCodes)`
    expect(run(['--input-type=module', '--eval', program]).trim().split('\n').at(-1)).to.equal(
      'function function function',
    )
  })

  it('has types that a strict application compiles against', () => {
    const application = join(folder, 'application')
    writeFileSync(
      join(application, 'main.ts'),
      `import { createMfa, totp, backupCodes } from '${NAME}'
      const factors = [totp(), backupCodes()] as const
      // @ts-expect-error a wrong option does not compile
      createMfa({ issuerName: 1, factors })`,
    )
    writeFileSync(
      join(application, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          ...{ module: 'nodenext', target: 'es2024', strict: true, noEmit: true },
          ...{ skipLibCheck: true, types: ['node'] },
        },
        files: ['main.ts'],
      }),
    )
    execFileSync('tsc', ['-p', application], { stdio: 'pipe', encoding: 'utf8' })
  })

  it('answers on the command line', () => {
    expect(run([join(installed, manifest.bin[NAME] ?? ''), '--help'])).to.match(/serve/)
  })

  function run(args: readonly string[]): string {
    return execFileSync(process.execPath, args, {
      cwd: join(folder, 'application'),
      stdio: ['ignore', 'pipe', 'pipe'],
      encoding: 'utf8',
    })
  }
})
