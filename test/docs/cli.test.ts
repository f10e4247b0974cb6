import { expect } from 'chai'
import { globSync } from 'node:fs'
import ts from 'typescript'
import { run } from '../../src/server/cli/index.ts'
import type { Terminal } from '../../src/server/cli/terminal.ts'
import { constantOf, parseSource, readText, ROOT, rowsOf, sectionOf, sectionsOf } from './page.ts'

const page = readText('docs/reference/cli.md')

/** The options of every command, which the page explains once. */
const COMMON = ['--json', '--env-file <file>', '-h, --help']
/** The option of every command that changes something, which the page explains once. */
const ACTOR = '--actor <name>'
const READING = [
  'init',
  'serve',
  'user list',
  'user show <name>',
  'user sessions <name>',
  'client list',
  'client show <id>',
  'keys list',
  'policy explain',
  'policy simulate <file>',
  'config check',
  'doctor',
]

interface Command {
  /** The command with its arguments, such as `user add <name>`. */
  readonly usage: string
  readonly flags: readonly string[]
}

/** The output of `--help` of a command. */
async function helpOf(path: readonly string[]): Promise<string> {
  let text = ''
  const terminal: Terminal = {
    out: (part) => {
      text += part
    },
    err: () => undefined,
    readLine: async () => '',
    readFile: async () => '',
    environment: {},
  }
  expect(await run([...path, '--help'], terminal)).to.equal(0)
  return text
}

/** The first column of one part of a help text, which is indented by two spaces. */
function columnOf(help: string, part: string): string[] {
  const [, rows = ''] = help.split(`\n${part}:\n`)
  const [block = ''] = rows.split('\n\n')
  return [...block.matchAll(/^ {2}(\S.*?)(?: {2,}.*)?$/gm)].map((match) => match[1] ?? '')
}

/** Every command below a path that can be run, found through the help texts as a person finds it. */
async function commandsBelow(path: readonly string[]): Promise<Command[]> {
  const help = await helpOf(path)
  const below = columnOf(help, 'Commands').filter((line) => !line.startsWith('help'))
  if (below.length === 0) {
    const given = columnOf(help, 'Arguments')
    const usage = /^Usage: oidc-provider-mfa (.*)$/m.exec(help)?.[1]?.replace(' [options]', '')
    // An argument that may be left out has square brackets.
    const named = usage?.replaceAll(/[<>[\]]/g, '')
    if (named !== [...path, ...given].join(' ') && given.length > 0)
      throw new Error(`${usage} is not explained`)
    return [{ usage: usage ?? '', flags: columnOf(help, 'Options') }]
  }
  // A command with subcommands can also be run by itself, such as `migrate`, which has `migrate legacy`.
  const flags = columnOf(help, 'Options')
  const found: Command[] = flags.includes('--json') ? [{ usage: path.join(' '), flags }] : []
  for (const line of below)
    found.push(...(await commandsBelow([...path, line.split(' ')[0] ?? ''])))
  return found
}

/** The codes of the refusals that the commands make. Computed codes are built from the constants in the source. */
function refusalCodes(): string[] {
  const codes = globSync('src/server/{cli/*,import/{user-import,migrate-legacy}}.ts', {
    cwd: ROOT,
  }).flatMap((file) =>
    [...readText(file).matchAll(/(?:new Refusal\(\s*|\bcode: )'([a-z-]+)'/g)].map(
      (match) => match[1] ?? '',
    ),
  )
  const user = parseSource('src/server/cli/user-add.ts')
  return [
    ...codes,
    ...keysOf(constantOf(user, 'WHY_NOT_ADDED')),
    ...keysOf(constantOf(user, 'WHY_NOT_THAT_PASSWORD')).map((reason) => `password-${reason}`),
  ]
}

function keysOf(value: ts.Expression): string[] {
  if (!ts.isObjectLiteralExpression(value)) throw new Error('this is no object')
  return value.properties.map(({ name }) => (name?.getText() ?? '').replaceAll("'", ''))
}

describe('docs/reference/cli.md', () => {
  let commands: Command[]

  before(async () => {
    commands = await commandsBelow([])
  })

  it('explains every command with its arguments, and no other', () => {
    const documented = [
      ...sectionsOf(page, 3).map(({ heading }) => heading),
      ...sectionsOf(page, 2)
        .map(({ heading }) => heading)
        .filter((heading) => heading === heading.toLowerCase()),
    ]
    expect(commands.length).to.be.greaterThan(10)
    expect(documented).to.have.members(commands.map(({ usage }) => usage))
  })

  it('explains every option of a command, and no other', () => {
    for (const { usage, flags } of commands.filter((command) => command.usage !== 'serve')) {
      const options = rowsOf(sectionOf(page, 3, usage)).map(([flag]) => flag?.replaceAll('`', ''))
      const explainedOnce = usage.startsWith('audit') ? COMMON : [...COMMON, ACTOR]
      const own = flags.filter((flag) => !explainedOnce.includes(flag))
      expect(options, usage).to.have.members(own)
    }
  })

  it('is right that every command takes --json and --env-file', () => {
    for (const { usage, flags } of commands) expect(flags, usage).to.include.members(COMMON)
  })

  it('is right that every command that changes something takes --actor', () => {
    expect(commands.map(({ usage }) => usage)).to.include.members(READING)
    const changing = commands.filter(({ usage }) => !/^(?:audit|completion)/.test(usage))
    for (const { usage, flags } of changing)
      expect(flags.includes(ACTOR), usage).to.equal(!READING.includes(usage))
  })

  it('and every other page name commands and options that there are', () => {
    const pages = [...globSync('*.md', { cwd: ROOT }), ...globSync('docs/**/*.md', { cwd: ROOT })]
    const wrong = pages.flatMap((file) =>
      [...readText(file).matchAll(/`?(?:npx )?oidc-provider-mfa ((?:[a-z-]+ ?)+)([^`\n]*)/g)]
        .filter(([whole]) => whole.startsWith('`') || whole.startsWith('npx'))
        .filter(([, words = '', rest = '']) => {
          const fitting = commands.filter(({ usage }) =>
            words.trim().startsWith(usage.split(/ [<[]/)[0] ?? ''),
          )
          const given = [...rest.matchAll(/(--[a-z-]+)/g)].map((match) => match[1] ?? '')
          return !fitting.some(({ flags }) =>
            given.every((flag) => flags.some((known) => known.split(' ')[0] === flag)),
          )
        })
        .map(([whole]) => `${file}: ${whole}`),
    )
    expect(wrong).to.deep.equal([])
  })

  it('lists the code of every refusal, and no other', () => {
    const documented = rowsOf(sectionOf(page, 2, 'Codes of failures')).map(([code]) => code)
    expect(documented).to.have.members([...new Set(refusalCodes())].map((code) => `\`${code}\``))
  })
})
