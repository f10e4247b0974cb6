import { expect } from 'chai'
import { faultsOf, type Repository } from '../../.ci/release/checks.ts'

const CHANGELOG = `# Changelog

## [Unreleased]

## [0.2.0] - 2026-11-28

### Added

- A factor.

## [0.1.0] - 2026-10-01

### Added

- The first version.
`

/** A repository from which 0.2.0 can be released. */
const READY: Repository = {
  manifest: {
    name: 'oidc-provider-mfa',
    version: '0.2.0',
    repository: { url: 'git+https://github.com/Owner/name.git' },
  },
  lockVersions: ['0.2.0', '0.2.0'],
  changelog: CHANGELOG,
  branch: 'main',
  tags: ['v0.1.0', 'not-a-version'],
  tagsHere: [],
  changedFiles: ['CHANGELOG.md', 'package.json', 'package-lock.json'],
  today: '2026-11-28',
}

/** The same after the release, checked out by its tag. */
const TAGGED: Repository = {
  ...READY,
  branch: '',
  tags: ['v0.1.0', 'v0.2.0'],
  tagsHere: ['v0.2.0'],
  changedFiles: [],
  publishedFrom: 'owner/name',
}

describe('the checks of a release', () => {
  it('find nothing where version, changelog and repository agree', () => {
    expect(faultsOf('0.2.0', 'prepare', READY)).to.deep.equal([])
    expect(faultsOf('0.2.0', 'prepare', { ...READY, changedFiles: [] })).to.deep.equal([])
    expect(faultsOf('0.2.0', 'publish', TAGGED)).to.deep.equal([])
  })

  it('take three numbers as a version, and nothing else', () => {
    for (const version of ['', 'v0.2.0', '0.2', '0.2.0-rc.1', '0.02.0', '0.2.0; true'])
      expect(faultsOf(version, 'prepare', READY).join(), version).to.match(/is no version/)
  })

  const PREPARE: Readonly<Record<string, [Partial<Repository>, RegExp]>> = {
    'another version in package.json': [
      { manifest: { name: 'x', version: '0.1.0' } },
      /^package.json has version 0.1.0, not 0.2.0\.$/,
    ],
    'another version in package-lock.json': [
      { lockVersions: ['0.2.0', '0.1.0'] },
      /^package-lock.json has version 0.1.0, not 0.2.0\.$/,
    ],
    'a newer version that has a tag': [{ tags: ['v0.10.0'] }, /newer version .*: v0\.10\.0\.$/],
    'the tag itself': [{ tags: ['v0.2.0'] }, /^The tag v0\.2\.0 exists already\.$/],
    'another branch': [{ branch: 'topic' }, /from main; the branch here is topic\.$/],
    'a file that a release does not commit': [
      { changedFiles: ['package.json', 'src/index.ts'] },
      /not committed: src\/index\.ts\.$/,
    ],
    'a changelog without [Unreleased]': [
      { changelog: CHANGELOG.replace('## [Unreleased]\n', '## [Next]\n') },
      /does not begin with a section \[Unreleased\]\.$/,
    ],
    'an entry that is still unreleased': [
      { changelog: CHANGELOG.replace('## [Unreleased]\n', '## [Unreleased]\n\n- More.\n') },
      /text under \[Unreleased\]/,
    ],
    'a changelog without the version': [
      { changelog: CHANGELOG.replace('[0.2.0]', '[0.2.1]') },
      /does not have \[0\.2\.0\] as its newest/,
    ],
    'a section without a date': [
      { changelog: CHANGELOG.replace('[0.2.0] - 2026-11-28', '[0.2.0]') },
      /no date: "## \[0\.2\.0\] - 2026-11-28"\.$/,
    ],
    'a date that no calendar has': [
      { changelog: CHANGELOG.replace('2026-11-28', '2026-02-30') },
      /no date/,
    ],
    'a date in the future': [
      { changelog: CHANGELOG.replace('2026-11-28', '2026-11-29') },
      /in the future: 2026-11-29\.$/,
    ],
    'a section without an entry': [
      { changelog: CHANGELOG.replace('- A factor.\n', '') },
      /no entry under \[0\.2\.0\] - 2026-11-28\.$/,
    ],
  }
  for (const [name, [change, fault]] of Object.entries(PREPARE))
    it(`refuse ${name}, and say so`, () => {
      const faults = faultsOf('0.2.0', 'prepare', { ...READY, ...change })
      expect(faults).to.have.length(1)
      expect(faults[0]).to.match(fault)
    })

  const PUBLISH: Readonly<Record<string, [Partial<Repository>, RegExp]>> = {
    'a commit without the tag': [{ tagsHere: ['v0.1.0'] }, /does not have the tag v0\.2\.0\.$/],
    'a file that differs from the tag': [
      { changedFiles: ['package-lock.json'] },
      /differ from the tagged commit: package-lock\.json\.$/,
    ],
    'a package that names no repository': [
      { manifest: { name: 'x', version: '0.2.0' } },
      /has no `repository`/,
    ],
    'a package of another repository': [
      { manifest: { name: 'x', version: '0.2.0', repository: 'github:else/where' } },
      /names the repository else\/where; this is owner\/name\.$/,
    ],
  }
  for (const [name, [change, fault]] of Object.entries(PUBLISH))
    it(`refuse to publish ${name}, and say so`, () => {
      const faults = faultsOf('0.2.0', 'publish', { ...TAGGED, ...change })
      expect(faults).to.have.length(1)
      expect(faults[0]).to.match(fault)
    })

  it('name every fault at once', () => {
    const faults = faultsOf('0.3.0', 'prepare', { ...READY, branch: 'topic' })
    expect(faults).to.have.length(4)
  })
})
