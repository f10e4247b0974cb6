import { expect } from 'chai'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('../../.ci/release/main.ts', import.meta.url))

/** A repository of its own, in which the command may commit and tag. */
describe('npm run release', function () {
  this.timeout(30_000)
  let folder: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'oidc-provider-mfa-release-'))
    git('init', '--quiet', '--initial-branch', 'main')
    git('config', 'user.name', 'Test')
    git('config', 'user.email', 'test@example.com')
    git('config', 'commit.gpgsign', 'false')
    git('config', 'tag.gpgsign', 'false')
    write('0.1.0', '## [Unreleased]\n\n- A factor.\n')
    git('add', '.')
    git('commit', '--quiet', '--message', 'feat: a factor')
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  function git(...args: string[]): string {
    return execFileSync('git', args, { cwd: folder, encoding: 'utf8' }).trim()
  }

  function write(version: string, changelog: string): void {
    const manifest = { name: 'sample', version, repository: 'github:owner/name' }
    const lock = { version, packages: { '': { version } } }
    writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
    writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(lock))
    writeFileSync(join(folder, 'CHANGELOG.md'), `# Changelog\n\n${changelog}`)
  }

  const prepare = (): void =>
    write('0.2.0', '## [Unreleased]\n\n## [0.2.0] - 2020-01-01\n\n- A factor.\n')

  function release(...args: string[]) {
    return spawnSync(process.execPath, [PROGRAM, ...args], {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, GITHUB_REPOSITORY: 'owner/name' },
    })
  }

  it('commits and tags a version that is ready, and the tag can be published', () => {
    prepare()
    const { status, stdout, stderr } = release('0.2.0')
    expect([status, stderr]).to.deep.equal([0, ''])
    expect(stdout).to.match(/git push --atomic origin main v0\.2\.0\n$/)
    expect(git('log', '-1', '--format=%s')).to.equal('chore(release): 0.2.0')
    expect(git('show', '--name-only', '--format=').split('\n')).to.have.members([
      'CHANGELOG.md',
      'package-lock.json',
      'package.json',
    ])
    expect(git('cat-file', '-t', 'v0.2.0')).to.equal('tag')
    expect(git('rev-parse', 'v0.2.0^{commit}')).to.equal(git('rev-parse', 'HEAD'))
    expect(release('0.2.0', '--publish').status).to.equal(0)
  })

  it('only checks with --check', () => {
    prepare()
    const before = git('rev-parse', 'HEAD')
    expect(release('0.2.0', '--check').stdout).to.equal('0.2.0 can be released.\n')
    expect([git('rev-parse', 'HEAD'), git('tag', '--list')]).to.deep.equal([before, ''])
  })

  it('refuses with every fault, and leaves everything as it was', () => {
    writeFileSync(join(folder, 'stray.ts'), '')
    const before = git('rev-parse', 'HEAD')
    const { status, stderr } = release('0.2.0')
    expect(status).to.equal(1)
    for (const fault of [
      'package.json has version 0.1.0',
      'package-lock.json has version 0.1.0',
      'text under [Unreleased]',
      'does not have [0.2.0]',
      'not committed: stray.ts',
    ])
      expect(stderr).to.contain(fault)
    expect([git('rev-parse', 'HEAD'), git('tag', '--list')]).to.deep.equal([before, ''])
    expect(readFileSync(join(folder, 'package.json'), 'utf8')).to.contain('0.1.0')
  })

  it('does not publish what has no tag', () => {
    prepare()
    git('commit', '--quiet', '--all', '--message', 'chore: by hand')
    const { status, stderr } = release('0.2.0', '--publish')
    expect(status).to.equal(1)
    expect(stderr).to.contain('does not have the tag v0.2.0')
  })

  it('takes no option that it does not know', () => {
    prepare()
    expect(release('0.2.0', '--chek').stderr).to.contain('There is no option --chek.')
    expect(git('tag', '--list')).to.equal('')
  })
})
