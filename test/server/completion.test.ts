import { spawnSync } from 'node:child_process'
import { expect } from 'chai'
import { commandLine, type CommandLine } from './command-line.ts'
import { requireTool } from '../support/requirements.ts'

/** Ends the words of a line, of which the shell completes the last. */
type Complete = (line: string) => string[]

describe('completion', () => {
  let here: CommandLine
  const scripts: Record<string, string> = {}

  before(async () => {
    here = commandLine()
    for (const shell of ['bash', 'zsh', 'fish']) {
      const { code, out, err } = await here.run(`completion ${shell}`, { environment: {} })
      expect([code, err], shell).to.deep.equal([0, ''])
      scripts[shell] = here.file(`script.${shell}`, out)
    }
  })
  after(() => here.remove())

  /** The commands and options that the help text of a command shows. */
  async function helpOf(
    path: readonly string[],
  ): Promise<{ commands: string[]; options: string[] }> {
    const { out } = await here.run([...path, '--help'])
    const partOf = (part: string): string =>
      (out.split(`\n${part}:\n`)[1] ?? '').split('\n\n')[0] ?? ''
    const commands = [...partOf('Commands').matchAll(/^ {2}([a-z-]+)/gm)].map(
      ([, name = '']) => name,
    )
    const options = [...partOf('Options').matchAll(/^ {2}(?:-h, )?(--[a-z-]+)/gm)]
    return {
      commands: commands.filter((name) => name !== 'help'),
      options: options.map(([, name = '']) => name),
    }
  }

  /** Every command, with its options, as a person finds it. */
  async function everyCommand(
    path: readonly string[] = [],
  ): Promise<[string[], string[], string[]][]> {
    const { commands, options } = await helpOf(path)
    const below = []
    for (const name of commands) below.push(...(await everyCommand([...path, name])))
    return [[[...path], commands, options], ...below]
  }

  function run(shell: string, args: readonly string[]): string[] {
    const { stdout, stderr, status } = spawnSync(shell, args, { encoding: 'utf8' })
    expect([status, stderr], args.join(' ')).to.deep.equal([0, ''])
    return stdout.split('\n').filter((line) => line !== '')
  }

  const SHELLS: Readonly<Record<'bash' | 'zsh' | 'fish', Complete>> = {
    bash: (line) => {
      const program = [
        'source "$1"; shift',
        'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))',
        '_oidc_provider_mfa',
        'printf "%s\\n" "${COMPREPLY[@]}"',
      ]
      const words = line.split(' ')
      return run('bash', [
        '--norc',
        '-c',
        program.join('\n'),
        'bash',
        scripts['bash'] ?? '',
        ...words,
      ])
    },
    zsh: (line) => {
      const program = [
        'compdef() { : }',
        '_files() { print -r -- FILES }',
        '_describe() { local each; for each in ${(P)@[-1]}; do print -r -- ${each%%:*}; done }',
        'source $1; shift',
        'words=("$@"); CURRENT=$#; PREFIX=${words[-1]}',
        '_oidc_provider_mfa',
        'true',
      ]
      const found = run('zsh', [
        '-f',
        '-c',
        program.join('\n'),
        'zsh',
        scripts['zsh'] ?? '',
        ...line.split(' '),
      ])
      const last = line.split(' ').at(-1) ?? ''
      return found.filter((each) => each !== 'FILES' && each.startsWith(last))
    },
    fish: (line) => {
      const program = `source ${scripts['fish']}; complete -C "$argv[1]"`
      const found = run('fish', ['--no-config', '-c', program, line])
      return found.map((each) => each.split('\t')[0] ?? '').filter((each) => !each.includes('.'))
    },
  }

  for (const [shell, complete] of Object.entries(SHELLS))
    describe(`in ${shell}`, () => {
      before(function () {
        requireTool(this, shell as keyof typeof SHELLS)
      })

      it('completes commands, the commands below them, and options', () => {
        expect(complete('oidc-provider-mfa cl')).to.deep.equal(['client'])
        expect(complete('oidc-provider-mfa client r').sort()).to.deep.equal([
          'remove',
          'rotate-secret',
        ])
        expect(complete('oidc-provider-mfa client rotate-secret notes --ov')).to.deep.equal([
          '--overlap',
        ])
        expect(complete('oidc-provider-mfa completion ').sort()).to.include.members([
          'bash',
          'fish',
          'zsh',
        ])
      })

      it('takes neither an argument nor the value of an option for a command', () => {
        expect(complete('oidc-provider-mfa user show add --em')).to.deep.equal([])
        expect(complete('oidc-provider-mfa migrate --env-file legacy --coll')).to.deep.equal([])
        expect(complete('oidc-provider-mfa migrate legacy --coll')).to.deep.equal(['--collection'])
      })
    })

  it('has every command and every option of the tree, in each shell', async function () {
    requireTool(this, 'bash')
    const every = await everyCommand()
    expect(every.length).to.be.greaterThan(30)
    const { bash } = SHELLS
    for (const [path, commands, options] of every) {
      const line = ['oidc-provider-mfa', ...path].join(' ')
      expect(bash(`${line} -`), line).to.have.members(options)
      if (commands.length > 0) expect(bash(`${line} `), line).to.include.members(commands)
    }
    const texts = { zsh: '', fish: '' }
    for (const shell of ['zsh', 'fish'] as const)
      texts[shell] = (await here.run(`completion ${shell} --json`)).json<{
        script: string
      }>().script
    for (const [path, commands, options] of every) {
      const place = path.join(' ')
      const zsh = texts.zsh.split('\n').find((line) => line.trim().startsWith(`'${place}') `)) ?? ''
      const fish = texts.fish.split('\n').filter((line) => line.includes(` = '\\''${place}'\\'''`))
      for (const name of [...commands, ...options]) {
        expect(zsh, `${place} ${name}`).to.contain(`'${name}:`)
        const entry = name.startsWith('--') ? ` -l ${name.slice(2)} ` : ` -a ${name} `
        expect(
          fish.filter((line) => line.includes(entry)),
          `${place} ${name}`,
        ).to.have.length(1)
      }
    }
  })

  it('refuses a shell that it does not know', async () => {
    expect((await here.run('completion tcsh')).code).to.equal(2)
  })
})
