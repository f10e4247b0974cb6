/**
 * The conditions for tagging a version, which are checked again before the tag is published. Pure: `release/main.ts`
 * reads the repository and passes its state.
 */

/** `prepare`: the tag is about to be made. `publish`: the tag is checked out and npm is about to take the package. */
export type Stage = 'prepare' | 'publish'

export interface Repository {
  /** package.json, as it is checked out. */
  readonly manifest: {
    readonly name: string
    readonly version?: string
    readonly repository?: string | { readonly url: string }
  }
  /** The versions that package-lock.json has of the package: at its top, and of its root package. */
  readonly lockVersions: readonly (string | undefined)[]
  /** The text of CHANGELOG.md. */
  readonly changelog: string
  readonly branch: string
  /** Every tag, and those of the commit that is checked out. */
  readonly tags: readonly string[]
  readonly tagsHere: readonly string[]
  /** Files that are new, deleted or changed since the last commit. */
  readonly changedFiles: readonly string[]
  /** The date in UTC, `2026-11-28`. */
  readonly today: string
  /** `owner/name` on GitHub, where the workflow runs. */
  readonly publishedFrom?: string
}

/** The files in which a version stands. A release commits these and no others. */
export const RELEASED_FILES: readonly string[] = [
  'CHANGELOG.md',
  'package-lock.json',
  'package.json',
]

/** Releases are made from this branch. */
const BRANCH = 'main'

const VERSION = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$/

export function tagOf(version: string): string {
  return `v${version}`
}

/** Every reason why this version cannot be released, in words. An empty list: it can. */
export function faultsOf(version: string, stage: Stage, repository: Repository): string[] {
  if (!VERSION.test(version))
    return [`"${version}" is no version: a release has three numbers, such as 1.2.3.`]
  return [
    ...versionFaults(version, repository),
    ...changelogFaults(version, repository),
    ...(stage === 'prepare'
      ? preparationFaults(version, repository)
      : publicationFaults(version, repository)),
  ]
}

function versionFaults(version: string, { manifest, lockVersions, tags }: Repository): string[] {
  const faults: string[] = []
  if (manifest.version !== version)
    faults.push(`package.json has version ${manifest.version ?? 'none'}, not ${version}.`)
  for (const locked of new Set(lockVersions))
    if (locked !== version)
      faults.push(`package-lock.json has version ${locked ?? 'none'}, not ${version}.`)
  const newer = tags.filter(
    (tag) =>
      tag.startsWith('v') && VERSION.test(tag.slice(1)) && compare(tag.slice(1), version) > 0,
  )
  if (newer.length > 0) faults.push(`A newer version has a tag already: ${newer.join(', ')}.`)
  return faults
}

function changelogFaults(version: string, { changelog, today }: Repository): string[] {
  const [unreleased, ...released] = sectionsOf(changelog)
  const faults: string[] = []
  if (unreleased?.heading !== '[Unreleased]')
    faults.push('CHANGELOG.md does not begin with a section [Unreleased].')
  else if (unreleased.body !== '')
    faults.push(`CHANGELOG.md has text under [Unreleased]: it belongs under [${version}].`)
  const [newest] = released
  const [, date] = newest?.heading.match(/^\[[^\]]+\] - (\d{4}-\d{2}-\d{2})$/) ?? []
  if (newest?.heading.startsWith(`[${version}]`) !== true)
    faults.push(`CHANGELOG.md does not have [${version}] as its newest released section.`)
  else if (date === undefined || !isDate(date))
    faults.push(`CHANGELOG.md gives [${version}] no date: "## [${version}] - ${today}".`)
  else if (date > today) faults.push(`CHANGELOG.md dates [${version}] in the future: ${date}.`)
  if (newest !== undefined && !/^- /m.test(newest.body))
    faults.push(`CHANGELOG.md has no entry under ${newest.heading}.`)
  return faults
}

function preparationFaults(version: string, { branch, tags, changedFiles }: Repository): string[] {
  const faults: string[] = []
  if (branch !== BRANCH)
    faults.push(`Releases are made from ${BRANCH}; the branch here is ${branch || 'none'}.`)
  if (tags.includes(tagOf(version))) faults.push(`The tag ${tagOf(version)} exists already.`)
  const others = changedFiles.filter((file) => !RELEASED_FILES.includes(file))
  if (others.length > 0) faults.push(`Changes that are not committed: ${others.join(', ')}.`)
  return faults
}

function publicationFaults(version: string, repository: Repository): string[] {
  const { tagsHere, changedFiles, manifest, publishedFrom } = repository
  const faults: string[] = []
  if (!tagsHere.includes(tagOf(version)))
    faults.push(`The commit that is checked out does not have the tag ${tagOf(version)}.`)
  if (changedFiles.length > 0)
    faults.push(`Files differ from the tagged commit: ${changedFiles.join(', ')}.`)
  // npm refuses a provenance statement if package.json names another repository.
  const named = repositoryOf(manifest.repository)
  if (named === undefined)
    faults.push('package.json has no `repository`: npm publish --provenance refuses that.')
  else if (publishedFrom !== undefined && named !== publishedFrom.toLowerCase())
    faults.push(`package.json names the repository ${named}; this is ${publishedFrom}.`)
  return faults
}

/** `owner/name` of a GitHub repository, in lower case. */
function repositoryOf(field: Repository['manifest']['repository']): string | undefined {
  const url = typeof field === 'object' ? field.url : field
  const [, name] =
    /^(?:github:|.*github\.com[/:])?([\w-]+\/[\w.-]+?)(?:\.git)?$/.exec(url ?? '') ?? []
  return name?.toLowerCase()
}

interface Section {
  readonly heading: string
  readonly body: string
}

/** The sections of the second level. The text before the first section is left out. */
function sectionsOf(changelog: string): Section[] {
  return changelog
    .split(/^## /m)
    .slice(1)
    .map((text) => {
      const end = text.indexOf('\n')
      const heading = end === -1 ? text : text.slice(0, end)
      return { heading: heading.trim(), body: text.slice(heading.length).trim() }
    })
}

function isDate(text: string): boolean {
  const time = Date.parse(`${text}T00:00:00Z`)
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text)
}

/** Positive when `one` is the newer version. */
function compare(one: string, other: string): number {
  const others = other.split('.').map(Number)
  const differences = one.split('.').map((part, index) => Number(part) - (others[index] ?? 0))
  return differences.find((difference) => difference !== 0) ?? 0
}
