export interface Instruction {
  readonly name: string
  readonly text: string
  /** The number of the build stage that has the instruction, from 0. */
  readonly stage: number
}

/** The instructions of a Dockerfile, with continued lines joined and without comments. */
export function instructionsOf(text: string): Instruction[] {
  let stage = -1
  return text
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const at = line.indexOf(' ')
      const name = line.slice(0, at)
      if (name === 'FROM') stage += 1
      return { name, text: line.slice(at + 1), stage }
    })
}
