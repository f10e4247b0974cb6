import { once } from 'node:events'
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { Refusal } from './terminal.ts'

/**
 * Asks the person at the terminal, on standard error: standard output is for results. Nothing of a hidden answer is
 * shown. Throws Refusal `settings-missing` at Ctrl-C and at the end of the input.
 */
export async function askAtTerminal(
  question: string,
  { isHidden = false }: { readonly isHidden?: boolean } = {},
): Promise<string> {
  let isMuted = false
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (!isMuted) process.stderr.write(chunk)
      done()
    },
  })
  const lines = createInterface({ input: process.stdin, output, terminal: true })
  try {
    const answered = lines.question(question)
    isMuted = isHidden
    return await Promise.race([answered, once(lines, 'close').then(stopped)])
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') return stopped()
    throw error
  } finally {
    lines.close()
    if (isHidden) process.stderr.write('\n')
  }
}

function stopped(): never {
  throw new Refusal('settings-missing', 'The questions were not answered. Nothing was written.')
}
