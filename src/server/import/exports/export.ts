import { createReadStream } from 'node:fs'
import { JSONParser } from '@streamparser/json'
import type { ImportLine } from '../lines.ts'

/** The members of a person, under the names that `readPerson` and `mapFactors` read. */
export type Fields = Readonly<Record<string, unknown>>

/**
 * Maps a user of another product. `shared`: members of the whole file that stand before its users. Undefined: it is no
 * person.
 */
export type ToPerson = (user: Fields, shared: Fields) => Fields | undefined

/** Why a file is no export. `text` goes on behind the name of the file. */
export class ExportFault extends Error {}

/** Members that FusionAuth's Import API has once for all users. */
const SHARED = ['encryptionScheme', 'factor']

/**
 * The people of an export: a JSON object with a list `users`, as Keycloak, FusionAuth and Firebase write it. `line` of
 * a person is their number in that list, from 1. The list is read as it is asked for, so that the whole file is never in
 * memory. Throws ExportFault, and what reading a file throws.
 */
export async function* readExport(path: string, toPerson: ToPerson): AsyncGenerator<ImportLine> {
  const shared: { [name: string]: unknown } = {}
  let found: unknown[] = []
  const parser = new JSONParser({
    paths: ['$.users.*', ...SHARED.map((name) => `$.${name}`)],
    keepStack: false,
  })
  let failure: Error | undefined
  parser.onError = (error) => void (failure = error)
  parser.onValue = ({ value, key, stack }) => {
    if (stack.length === 1) shared[String(key)] = value
    else if (typeof key === 'number') found.push(value)
  }
  let line = 0
  for await (const text of textsOf(path)) {
    parser.write(text)
    if (failure !== undefined) break
    const users = found
    found = []
    for (const user of users) {
      line += 1
      const read = readUser(user, line, (fields) => toPerson(fields, shared))
      if (read !== undefined) yield read
    }
  }
  if (failure !== undefined || !parser.isEnded) throw new ExportFault('is no whole JSON document')
  if (line === 0) throw new ExportFault('has nobody in a list "users"')
}

function readUser(
  user: unknown,
  line: number,
  toPerson: (user: Fields) => Fields | undefined,
): ImportLine | undefined {
  if (typeof user !== 'object' || user === null || Array.isArray(user))
    return { line, fault: 'line-unreadable' }
  const fields = toPerson(user as Fields)
  return fields === undefined ? undefined : { line, fields }
}

/** Bytes that are not UTF-8 would damage names without a word. */
async function* textsOf(path: string): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const decode = (bytes?: Uint8Array): string => {
    try {
      return decoder.decode(bytes, { stream: bytes !== undefined })
    } catch {
      throw new ExportFault('has bytes that are not UTF-8')
    }
  }
  for await (const bytes of createReadStream(path)) yield decode(bytes as Uint8Array)
  yield decode()
}
