import { expect } from 'chai'
import { execFileSync } from 'node:child_process'
import { accessSync, constants, existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { oldestNode } from '../support/node-versions.ts'

/*
 * No workflow runs where these tests do: the files are parsed, their shell is checked for syntax, and the commands, files
 * and versions that they name are looked up in the repository.
 */

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

type Permissions = Readonly<Record<string, string>>

interface Step {
  readonly uses?: string
  readonly run?: string
  readonly with?: Readonly<Record<string, unknown>>
}

interface Job {
  readonly needs?: string | readonly string[]
  readonly uses?: string
  readonly permissions?: Permissions
  readonly environment?: string
  readonly 'timeout-minutes'?: number
  readonly strategy?: { readonly matrix: Readonly<Record<string, readonly string[]>> }
  readonly env?: Readonly<Record<string, string>>
  readonly steps?: readonly Step[]
}

/** The configuration of a mutation run, as far as this test reads it. */
interface MutationRun {
  readonly mutate: readonly string[]
  readonly mocha: { readonly spec: readonly string[] }
  readonly thresholds: { readonly break: number }
}

interface Workflow {
  readonly on: Readonly<Record<string, unknown>>
  readonly permissions?: Permissions
  readonly jobs: Readonly<Record<string, Job>>
}

const manifest = JSON.parse(read('package.json')) as {
  scripts: Record<string, string>
  engines: { node: string }
  dependencies: Record<string, string>
}

const files = globSync('.github/workflows/*.yml', { cwd: ROOT }).sort()
const workflows = new Map(files.map((file) => [file, parse(read(file)) as Workflow]))

function workflow(name: string): Workflow {
  const found = workflows.get(`.github/workflows/${name}.yml`)
  if (found === undefined) throw new Error(`There is no workflow ${name}.`)
  return found
}

const jobs = [...workflows].flatMap(([file, { jobs: own }]) =>
  Object.entries(own).map(([name, job]) => ({ name: `${file} ${name}`, job })),
)
const steps = jobs.flatMap(({ name, job }) =>
  (job.steps ?? []).map((step) => ({ job: name, step })),
)
const commands = steps.flatMap(({ step }) => (step.run === undefined ? [] : [step.run]))
/** The repository's own scripts, which the commands call. */
const scripts = globSync('.ci/{run,image,mongod,stand-in}', { cwd: ROOT })

describe('.github/workflows', () => {
  it('tests every change, makes the mutation runs each night, and publishes a tag', () => {
    expect(files).to.deep.equal([
      '.github/workflows/nightly.yml',
      '.github/workflows/publish.yml',
      '.github/workflows/test.yml',
    ])
    expect(workflow('nightly').on).to.have.keys(['schedule', 'workflow_dispatch'])
    expect(workflow('test').on).to.have.keys(['push', 'pull_request', 'workflow_call'])
    expect(workflow('publish').on).to.deep.equal({
      push: { tags: ['v[0-9]+.[0-9]+.[0-9]+'] },
    })
  })

  it('gives a job no permission but to read the code, and the publishing one a token of its own', () => {
    for (const [file, { permissions }] of workflows) {
      expect(permissions, file).to.be.an('object')
      for (const level of Object.values(permissions ?? {})) expect(level, file).to.equal('read')
    }
    const granted = jobs
      .filter(({ job }) => job.permissions !== undefined)
      .map(({ name, job }) => [name, job.permissions])
    expect(Object.fromEntries(granted)).to.deep.equal({
      '.github/workflows/publish.yml test': { contents: 'read' },
      '.github/workflows/publish.yml publish': { contents: 'read', 'id-token': 'write' },
    })
  })

  it('leaves no credentials behind a checkout, and uses no stored secret', () => {
    const checkouts = steps.filter(({ step }) => step.uses?.startsWith('actions/checkout@'))
    expect(checkouts).to.have.length(6)
    for (const { job, step } of checkouts)
      expect(step.with?.['persist-credentials'], job).to.equal(false)
    for (const file of files) expect(read(file), file).not.to.contain('secrets.')
  })

  it('pins each action to a commit, and says which version that is', () => {
    const lines = files.flatMap((file) => read(file).match(/^.*\buses:.*$/gm) ?? [])
    expect(lines).to.have.length.greaterThan(5)
    for (const line of lines) {
      const [, local] = /uses: \.\/(\S+)$/.exec(line) ?? []
      if (local === undefined) expect(line).to.match(/@[0-9a-f]{40} # v\d+\.\d+\.\d+$/)
      else expect(existsSync(join(ROOT, local)), line).to.equal(true)
    }
  })

  it('takes into a command nothing that somebody else has written', () => {
    for (const command of commands)
      for (const [expression] of command.matchAll(/\$\{\{.*?\}\}/g))
        expect(expression, command).to.match(/^\$\{\{ matrix\.\w+ \}\}$/)
  })

  it('ends each job that hangs', () => {
    for (const { name, job } of jobs) {
      // GitHub itself ends a job after 360 minutes.
      const longest = name.endsWith('nightly.yml mutation') ? 350 : 60
      if (job.uses === undefined) expect(job['timeout-minutes'], name).to.be.within(1, longest)
    }
  })

  it('runs commands that the shell can read', () => {
    for (const command of commands) {
      const shell = command.replaceAll(/\$\{\{.*?\}\}/g, 'x')
      execFileSync('bash', ['-n', '-c', shell], { stdio: 'pipe' })
    }
    for (const script of scripts)
      execFileSync('bash', ['-n', join(ROOT, script)], { stdio: 'pipe' })
  })

  it('runs scripts and files that are there', () => {
    const all = [...commands, ...scripts.map(read)].join('\n')
    const named = [...all.matchAll(/\bnpm run (?:--silent )?([\w:-]+)/g)].map(([, name]) => name)
    expect(named).to.include.members(['test:node', 'test:mongoose', 'release'])
    for (const name of named) expect(manifest.scripts, name).to.have.property(name ?? '')
    const programs = [...all.matchAll(/(?<![\w/.-])\.ci\/[\w-]+/g)].map(([path]) => path)
    expect(programs).to.include.members(scripts)
    for (const path of programs) accessSync(join(ROOT, path), constants.X_OK)
    const ran = Object.values(manifest.scripts).flatMap((script) =>
      [...script.matchAll(/\bnode (?:--[\w=-]+ )*([\w/.-]+)/g)].map(([, path]) => path ?? ''),
    )
    expect(ran).to.include('.ci/release/main.ts')
    for (const path of ran) expect(existsSync(join(ROOT, path)), path).to.equal(true)
  })

  it('has a mutation run for each folder that it names, which fails below 85 %', () => {
    const { folder: folders } = workflow('nightly').jobs['mutation']!.strategy!.matrix
    const runs = globSync('test/mutation/*.json', { cwd: ROOT }).sort()
    expect(runs).to.deep.equal(folders?.map((folder) => `test/mutation/${folder}.json`))
    for (const run of runs) {
      const { mutate, mocha, thresholds } = JSON.parse(read(run)) as MutationRun
      expect(thresholds.break, run).to.equal(85)
      for (const glob of [...mutate, ...mocha.spec])
        expect(globSync(glob, { cwd: ROOT }), `${run} ${glob}`).not.to.deep.equal([])
    }
  })

  it('tests suites that are there', () => {
    const globs = commands.flatMap((command) =>
      [...command.matchAll(/'(test\/[^']+)'/g)].map(([, glob]) => glob ?? ''),
    )
    expect(globs).to.have.length.greaterThan(0)
    for (const glob of globs)
      for (const folder of /\{(.*?)\}/.exec(glob)?.[1]?.split(',') ?? [])
        expect(globSync(glob.replace(/\{.*?\}/, folder), { cwd: ROOT }), folder).to.not.be.empty
  })

  describe('the versions that are tested', () => {
    const { versions, mongoose } = workflow('test').jobs
    const matrix = versions?.strategy?.matrix

    it('begin with the oldest Node that package.json and README.md promise, and end with our own', () => {
      const oldest = oldestNode(manifest.engines.node)
      const pinned = JSON.parse(read('.ci/node/package.json')) as { version: string }
      const [own] = pinned.version.split('.')
      expect(matrix?.['node']).to.deep.equal([oldest, '24', own])
      expect(read('README.md')).to.contain(`Node ${oldest} or newer`)
    })

    it('have each major version of Mongoose that package.json takes', () => {
      const range = manifest.dependencies['mongoose'] ?? ''
      const majors = range.split('||').map((part) => /\d+/.exec(part)?.[0])
      expect(mongoose?.strategy?.matrix['mongoose']).to.deep.equal(majors)
    })

    it('each reach the command that runs the tests', () => {
      for (const { name, job } of jobs)
        for (const variable of Object.keys(job.strategy?.matrix ?? {}))
          expect(
            job.steps?.some(
              ({ run }) => run?.split(' -- ')[1]?.includes(`\${{ matrix.${variable} }}`) === true,
            ),
            `${name} ${variable}`,
          ).to.equal(true)
      expect(manifest.scripts['test:mongoose']).to.equal('node test/support/on-mongoose.ts')
    })

    it('meet a mongod that is a replica set', () => {
      const [, set = ''] = /--replSet (\w+)/.exec(read('.ci/mongod')) ?? []
      expect(read('.ci/mongod')).to.contain(`rs.initiate({ _id: "${set}"`)
      for (const { env, steps: own } of [versions ?? {}, mongoose ?? {}]) {
        expect(own?.map(({ run }) => run)).to.include('.ci/mongod')
        expect(env?.['MONGODB_URL']).to.match(new RegExp(`\\?replicaSet=${set}$`))
        expect(env?.['REQUIRE_MONGODB']).to.equal('1')
      }
    })
  })

  it('publishes what has passed every test and the checks of a release, with its provenance', () => {
    const { publish } = workflow('publish').jobs
    expect(publish?.needs).to.equal('test')
    expect(workflow('publish').jobs['test']?.uses).to.equal('./.github/workflows/test.yml')
    expect(publish?.steps?.flatMap(({ run }) => run ?? [])).to.deep.equal([
      'npm ci',
      'npm run release -- "${GITHUB_REF_NAME#v}" --publish',
      'npm publish --provenance --access public',
    ])
    expect(publish?.environment).to.equal('npm')
  })

  it('builds and starts the image', () => {
    const { steps: own } = workflow('test').jobs['image'] ?? {}
    expect(own?.flatMap(({ run }) => run ?? [])).to.deep.equal(['.ci/image'])
  })

  it('runs everything as the repository does by itself', () => {
    const { steps: own } = workflow('test').jobs['everything'] ?? {}
    expect(own?.flatMap(({ run }) => run ?? [])).to.deep.equal(['.ci/run'])
  })
})

describe('.github/dependabot.yml', () => {
  const { updates } = parse(read('.github/dependabot.yml')) as {
    updates: { 'package-ecosystem': string; directory: string; schedule: { interval: string } }[]
  }

  it('keeps packages, actions and the image’s base up to date, every week', () => {
    expect(updates.map((each) => each['package-ecosystem'])).to.deep.equal([
      'npm',
      'npm',
      'github-actions',
      'docker',
    ])
    const directories = updates.map(({ directory }) => directory)
    expect(directories).to.deep.equal(['/', '/.ci/node', '/', '/'])
    for (const { schedule } of updates) expect(schedule.interval).to.equal('weekly')
  })
})

describe('the issue forms', () => {
  interface Form {
    readonly name: string
    readonly description: string
    readonly body: readonly {
      readonly type: string
      readonly id?: string
      readonly attributes: { readonly label?: string; readonly value?: string }
    }[]
  }
  const forms = ['bug', 'feature'].map((name) => `.github/ISSUE_TEMPLATE/${name}.yml`)

  it('have what GitHub requires of one', () => {
    for (const file of forms) {
      const { name, description, body } = parse(read(file)) as Form
      expect(name.length * description.length, file).to.be.greaterThan(0)
      const inputs = body.filter(({ type }) => type !== 'markdown')
      expect(inputs, file).to.not.be.empty
      for (const { type, id, attributes } of inputs) {
        expect(['dropdown', 'input', 'textarea'], `${file} ${id}`).to.include(type)
        expect(attributes.label, `${file} ${id}`).to.be.a('string')
      }
      const ids = inputs.map(({ id }) => id)
      expect(new Set(ids).size, file).to.equal(inputs.length)
      expect(ids, file).to.not.include(undefined)
    }
  })

  it('send reports of vulnerabilities to SECURITY.md', () => {
    const config = parse(read('.github/ISSUE_TEMPLATE/config.yml')) as {
      blank_issues_enabled: boolean
      contact_links: { name: string; url: string; about: string }[]
    }
    expect(config.blank_issues_enabled).to.equal(false)
    expect(config.contact_links.map(({ about }) => about).join()).to.contain('SECURITY.md')
    for (const { url } of config.contact_links) expect(new URL(url).protocol).to.equal('https:')
    expect(read('.github/ISSUE_TEMPLATE/bug.yml')).to.contain('SECURITY.md')
    expect(existsSync(join(ROOT, 'SECURITY.md'))).to.equal(true)
  })
})
