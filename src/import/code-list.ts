import { isNothing } from './words.ts'

/** JSON text that holds JSON text, as some exports write it twice, and no deeper nesting than a person would make. */
const DEEPEST = 4
/** More than twenty hashes, written as JSON in JSON. A longer text is no list of codes. */
const LONGEST_TEXT = 16 * 1024
/** A group of a code has fewer symbols than this: `1234 5678` is one code as well as it is two. */
const SHORTEST_BETWEEN_SPACES = 6

/**
 * The texts of a list of codes: a list, JSON text of one, a Postgres array (`{a,"b"}`), an array serialised by PHP, or
 * text with commas, semicolons, bars, line ends or spaces between the codes. Undefined for anything else: punctuation
 * that is not understood would become part of a code, which nobody could type.
 */
export function listOfCodes(given: unknown, depth = 0): readonly string[] | undefined {
  if (given === undefined || given === null) return []
  if (typeof given === 'string') return inText(given.trim(), depth)
  if (!Array.isArray(given) || depth > DEEPEST) return undefined
  return flat(given.map((element: unknown) => inElement(element, depth + 1)))
}

/** Undefined where one part is. */
function flat(parts: readonly (readonly string[] | undefined)[]): readonly string[] | undefined {
  return parts.every((part) => part !== undefined) ? parts.flat() : undefined
}

/** An element of a list is one code, in which spaces may stand, or a list once more. */
function inElement(element: unknown, depth: number): readonly string[] | undefined {
  if (element === null) return []
  if (typeof element !== 'string' || element.length > LONGEST_TEXT) return undefined
  const text = element.trim().replace(/[,;|\s]+$/, '')
  const isOne = text.startsWith('$') || !/^[[{"]|^[as]:\d+:|[,;|\t\r\n]/.test(text)
  if (!isOne) return inText(text, depth)
  return isNothing(text) ? [] : [text]
}

function inText(text: string, depth: number): readonly string[] | undefined {
  if (depth > DEEPEST || text.length > LONGEST_TEXT) return undefined
  if (isNothing(text)) return []
  if (/^["[]/.test(text)) return inJson(text, depth + 1)
  if (text.startsWith('{')) return listOfCodes(inPostgresArray(text), depth + 1)
  if (/^[as]:\d+:/.test(text)) return inPhp(text, depth + 1)
  return separated(text)?.filter((code) => !isNothing(code))
}

function inJson(text: string, depth: number): readonly string[] | undefined {
  try {
    return listOfCodes(JSON.parse(text), depth)
  } catch {
    return undefined
  }
}

/** One element of `{a,"b \"c\"",NULL}` with the comma behind it. */
const POSTGRES = /\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",{}\\](?:[^",{}\\]*[^\s",{}\\])?))\s*(?:,|$)/suy

/** False, which is no list, where the text is no array of one dimension. */
function inPostgresArray(text: string): readonly (string | null)[] | false {
  const inner = /^\{(.*)\}$/s.exec(text)?.[1]
  if (inner === undefined) return false
  if (inner.trim() === '') return []
  const elements = matchesOf(POSTGRES, inner)
  return (
    elements?.map(([, quoted, plain]) =>
      quoted === undefined ? (plain ?? null) : quoted.replaceAll(/\\(.)/gsu, '$1'),
    ) ?? false
  )
}

/** One entry of an array that PHP has serialised, whose values are texts. A code has no quotes in it. */
const PHP_ENTRY = /(?:i:\d+|s:\d+:"[^"]*");s:(\d+):"([^"]*)";/y

/** `a:2:{i:0;s:4:"abcd";i:1;s:4:"efgh";}`, or a text `s:5:"a,b,c";`; the numbers count elements and bytes. */
function inPhp(text: string, depth: number): readonly string[] | undefined {
  const [, bytes, value] = /^s:(\d+):"(.*)";$/s.exec(text) ?? []
  if (value !== undefined)
    return Buffer.byteLength(value) === Number(bytes) ? listOfCodes(value, depth) : undefined
  const [, count, inner = ''] = /^a:(\d+):\{(.*)\}$/s.exec(text) ?? []
  const entries = inner === '' ? [] : matchesOf(PHP_ENTRY, inner)
  const isWhole =
    entries?.length === Number(count) &&
    entries.every(([, length, code = '']) => Buffer.byteLength(code) === Number(length))
  return isWhole
    ? listOfCodes(
        entries.map(([, , code]) => code),
        depth,
      )
    : undefined
}

/** All matches of a sticky expression, one behind the other to the end. Undefined where something else is in between. */
function matchesOf(expression: RegExp, text: string): readonly RegExpExecArray[] | undefined {
  const found: RegExpExecArray[] = []
  expression.lastIndex = 0
  while (expression.lastIndex < text.length) {
    const match = expression.exec(text)
    if (match === null) return undefined
    found.push(match)
  }
  return found
}

function separated(text: string): readonly string[] | undefined {
  // The parameters of a hash such as argon2id have commas between them.
  if (text.startsWith('$')) return notEmpty(text.split(/[\s;|]+|,(?=\s*(?:\$|$))/))
  if (/[,;|\t\r\n]/.test(text)) {
    const codes = notEmpty(text.split(/[,;|\t\r\n]+/))
    // Spaces inside a code, or between two of them: nothing tells which.
    return codes.some((code) => /\s/.test(code)) ? undefined : codes
  }
  const codes = notEmpty(text.split(/\s+/))
  const areGroups = codes.length > 1 && codes.some((code) => code.length < SHORTEST_BETWEEN_SPACES)
  return areGroups ? undefined : codes
}

function notEmpty(texts: readonly string[]): readonly string[] {
  return texts.map((text) => text.trim()).filter((text) => text !== '')
}
