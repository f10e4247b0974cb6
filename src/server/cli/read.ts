import { Refusal, type Terminal } from './terminal.ts'

/** Reads a JSON file that an operator names. The parser's own message is not passed on: it would quote the file. */
export async function readJson(terminal: Terminal, path: string): Promise<unknown> {
  let content: string
  try {
    content = await terminal.readFile(path)
  } catch {
    throw new Refusal('file-unreadable', `${path} cannot be read.`)
  }
  try {
    return JSON.parse(content) as unknown
  } catch {
    throw new Refusal('file-unreadable', `${path} is not JSON.`)
  }
}
