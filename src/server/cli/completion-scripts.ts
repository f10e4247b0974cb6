/** A command, by its words, and what may follow it. */
export interface Place {
  /** The words, separated by a space. Empty: the program itself. */
  readonly path: string
  /** The commands below it, or the values that its argument may have. */
  readonly commands: readonly Word[]
  readonly options: readonly OptionWord[]
  /** Whether its argument is the name of a file. */
  readonly takesFile: boolean
}

interface Word {
  readonly name: string
  readonly summary: string
}

interface OptionWord extends Word {
  readonly takesValue: boolean
}

/** A script for bash 3.2 or newer, the one of macOS included. */
export function bashScript(program: string, places: readonly Place[]): string {
  const name = functionOf(program)
  return `# Completes ${program} in bash: source this, or store it in /etc/bash_completion.d.
${name}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} at= value= words= word i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
${indented(walk(places), 4)}
  done
  # Without an answer, bash completes the names of files.
  [[ -n $value ]] && return
  case "$at" in
${indented(cases(places, bashCase), 4)}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F ${name} ${program}
`
}

/** A script for the folder of completions of zsh, which may also be sourced. */
export function zshScript(program: string, places: readonly Place[]): string {
  const name = functionOf(program)
  return `#compdef ${program}
# Completes ${program} in zsh: store this as _${program} in a folder of $fpath, or source it after compinit.
${name}() {
  local at= value= word i
  local -a commands options
  for ((i = 2; i < CURRENT; i++)); do
    word=\${words[i]}
${indented(walk(places), 4)}
  done
  if [[ -n $value ]]; then
    _files
    return
  fi
  case "$at" in
${indented(cases(places, zshCase), 4)}
  esac
  (( $#commands )) && _describe -t commands command commands
  [[ $PREFIX == -* || $#commands -eq 0 ]] && _describe -o -t options option options
}
if [[ $funcstack[1] == _${program} ]]; then
  ${name} "$@"
else
  compdef ${name} ${program}
fi
`
}

/** A script for fish 3. */
export function fishScript(program: string, places: readonly Place[]): string {
  const name = functionOf(program)
  const lines = places.flatMap((place) => {
    const when = `complete -c ${program} -n ${single(`test (${name}_at) = ${single(place.path)}`)}`
    return [
      ...place.commands.map((each) => `${when} -a ${each.name} -d ${single(each.summary)}`),
      ...place.options.map(
        (each) =>
          `${when} -l ${each.name.replace(/^--?/, '')}${each.takesValue ? ' -r -F' : ''} -d ${single(each.summary)}`,
      ),
      ...(place.takesFile ? [`${when} -F`] : []),
    ]
  })
  return `# Completes ${program} in fish: store this as ~/.config/fish/completions/${program}.fish.
function ${name}_at
  set -l at ''
  set -l value
  for word in (commandline -opc)[2..-1]
    if test -n "$value"
      set value
      continue
    end
    switch "$at|$word"
      case ${keysOf(places, 'commands').join(' ')}
        set at (string trim "$at $word")
      case ${keysOf(places, 'values').join(' ')}
        set value 1
    end
  end
  echo "$at"
end
complete -c ${program} -f
${lines.join('\n')}
`
}

/** Reads one word, in bash and in zsh: a command leads on, and an option that takes a value has it in the next word. */
function walk(places: readonly Place[]): string {
  return `if [[ -n $value ]]; then
  value=
  continue
fi
case "$at|$word" in
  ${keysOf(places, 'commands').join('|')}) at="\${at:+$at }$word" ;;
  ${keysOf(places, 'values').join('|')}) value=1 ;;
esac`
}

/** The words that lead on or take a value, each behind its place. */
function keysOf(places: readonly Place[], kind: 'commands' | 'values'): string[] {
  return places.flatMap(({ path, commands, options }) => {
    const words = kind === 'commands' ? commands : options.filter(({ takesValue }) => takesValue)
    return words.map(({ name }) => single(`${path}|${name}`))
  })
}

function cases(places: readonly Place[], lineOf: (place: Place) => string): string {
  return places.map((place) => `${single(place.path)}) ${lineOf(place)} ;;`).join('\n')
}

function bashCase({ commands, options, takesFile }: Place): string {
  const words = [...commands, ...options].map(({ name }) => name).join(' ')
  return `${takesFile ? '[[ $cur == -* ]] || return; ' : ''}words=${single(words)}`
}

function zshCase({ commands, options, takesFile }: Place): string {
  const described = (words: readonly Word[]): string =>
    words.map(({ name, summary }) => single(`${name}:${summary}`)).join(' ')
  const files = takesFile ? '[[ $PREFIX == -* ]] || _files; ' : ''
  return `${files}commands=(${described(commands)}) options=(${described(options)})`
}

function functionOf(program: string): string {
  return `_${program.replaceAll('-', '_')}`
}

/** A text in single quotes. bash, zsh and fish end a quote, write an escaped one and begin again. */
function single(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}

function indented(text: string, spaces: number): string {
  return text.replaceAll(/^/gm, ' '.repeat(spaces))
}
