import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { faultsOf, RELEASED_FILES, tagOf, type Repository, type Stage } from './checks.ts'

/**
 * `npm run release -- VERSION` checks that this version can be released, commits its files and tags the commit. It
 * pushes nothing. `--check` only checks; `--publish` checks the tag that is checked out, before npm takes the package.
 */
const [version = '', option] = process.argv.slice(2)
if (option !== undefined && option !== '--check' && option !== '--publish')
  refuse([`There is no option ${option}.`])
const stage: Stage = option === '--publish' ? 'publish' : 'prepare'
const repository = readRepository()
const faults = faultsOf(version, stage, repository)
if (faults.length > 0) refuse(faults)
say(`${version} can be ${stage === 'publish' ? 'published' : 'released'}.`)
if (option === undefined) release()

function release(): void {
  if (repository.changedFiles.length > 0) {
    git(['add', '--', ...RELEASED_FILES])
    git(['commit', '--quiet', '--message', `chore(release): ${version}`])
  }
  git(['tag', '--annotate', '--message', version, tagOf(version)])
  say(`${tagOf(version)} is tagged. To publish it: git push --atomic origin main ${tagOf(version)}`)
}

function readRepository(): Repository {
  const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
    version?: string
    packages?: Record<string, { version?: string }>
  }
  const publishedFrom = process.env.GITHUB_REPOSITORY
  return {
    manifest: JSON.parse(readFileSync('package.json', 'utf8')) as Repository['manifest'],
    lockVersions: [lock.version, lock.packages?.['']?.version],
    changelog: readFileSync('CHANGELOG.md', 'utf8'),
    branch: git(['branch', '--show-current']).trim(),
    tags: linesOf(git(['tag', '--list'])),
    tagsHere: linesOf(git(['tag', '--points-at', 'HEAD'])),
    changedFiles: linesOf(git(['status', '--porcelain', '--no-renames'])).map((line) =>
      line.slice(3),
    ),
    today: new Date().toISOString().slice(0, 10),
    ...(publishedFrom === undefined ? {} : { publishedFrom }),
  }
}

function git(args: readonly string[]): string {
  return execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '')
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

function refuse(reasons: readonly string[]): never {
  process.stderr.write(`Not released:\n${reasons.map((reason) => `- ${reason}\n`).join('')}`)
  process.exit(1)
}
