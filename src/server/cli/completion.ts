import { Argument, type Command } from 'commander'
import { bashScript, fishScript, zshScript, type Place } from './completion-scripts.ts'
import { answer, readingCommand, type Terminal } from './terminal.ts'

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const
type Shell = keyof typeof SCRIPTS

/** `completion`: a script by which a shell completes commands and options. It is made from the commands themselves. */
export function addCompletionCommand(program: Command, terminal: Terminal): void {
  const made = readingCommand(program, 'completion', 'print a script that completes commands')
  made.addArgument(new Argument('<shell>', 'the shell').choices(Object.keys(SCRIPTS)))
  answer(terminal, made, async ([shell = '']) => {
    const script = SCRIPTS[shell as Shell](program.name(), placesOf(program))
    return { json: { shell, script }, text: script }
  })
}

/** Every command of the tree, with what may follow it. */
function placesOf(command: Command, path: readonly string[] = []): readonly Place[] {
  const options = command.options
    .filter(({ hidden }) => !hidden)
    .map(({ long, short, description, required, optional }) => ({
      name: long ?? short ?? '',
      summary: description,
      takesValue: required || optional,
    }))
  const place: Place = {
    path: path.join(' '),
    commands: [
      ...command.commands.map((each) => ({ name: each.name(), summary: each.description() })),
      ...command.registeredArguments.flatMap(({ argChoices = [], description }) =>
        argChoices.map((name) => ({ name, summary: description })),
      ),
    ],
    options: [...options, { name: '--help', summary: 'show help', takesValue: false }],
    takesFile: command.registeredArguments.some((argument) => argument.name() === 'file'),
  }
  const below = command.commands.flatMap((each) => placesOf(each, [...path, each.name()]))
  return [place, ...below]
}
