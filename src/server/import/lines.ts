import { createReadStream } from 'node:fs'
import { csvDivider, fieldsOf, styleOf, type CsvText } from './csv.ts'

export const IMPORT_FORMATS = ['jsonl', 'csv'] as const
export type ImportFormat = (typeof IMPORT_FORMATS)[number]

/** One person of a file, or why the line cannot be read. `line` counts from 1: of a record of several lines the first. */
export type ImportLine =
  | { readonly line: number; readonly fields: Readonly<Record<string, unknown>> }
  /** `to`: the last line of a CSV record that is lost. */
  | { readonly line: number; readonly to?: number; readonly fault: LineFault }

export type LineFault = 'line-unreadable' | 'line-too-long' | 'line-encoding' // it has bytes that are not UTF-8: names would be damaged without a word

/** Longest line, in bytes: no person needs more, and the whole file is never in memory. */
export const LONGEST_LINE = 256 * 1024

/** The format by the file's name. Undefined: the name does not tell. */
export function formatOf(path: string): ImportFormat | undefined {
  if (/\.csv$/i.test(path)) return 'csv'
  return /\.(?:jsonl|ndjson|json)$/i.test(path) ? 'jsonl' : undefined
}

/**
 * The people of a file, one after the other as they are asked for: JSON objects, one a line, or CSV with a header.
 * `readHeader` gets the columns before the first of them, and answers the names of the fields. A line that cannot be
 * read is answered by its number, and the rest goes on. Throws what reading a file throws, and what `readHeader` throws.
 */
export function readImport(
  path: string,
  format: ImportFormat,
  readHeader: (columns: readonly string[]) => readonly string[] = (columns) => columns,
): AsyncIterable<ImportLine> {
  return format === 'csv' ? csvRecords(path, readHeader) : jsonLines(path)
}

/** The parts of a file with a character for each byte, so that a bad byte is found in its line. */
async function* partsOf(path: string): AsyncGenerator<string> {
  let isFirst = true
  for await (const part of createReadStream(path, 'latin1')) {
    yield isFirst ? String(part).replace(/^\u00ef\u00bb\u00bf/, '') : String(part)
    isFirst = false
  }
}

/** Undefined: the bytes are not UTF-8. */
function decode(bytes: string): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(bytes, 'latin1'))
  } catch {
    return undefined
  }
}

async function* jsonLines(path: string): AsyncGenerator<ImportLine> {
  let line = 0
  for await (const bytes of byteLines(path)) {
    line += 1
    const text = bytes === undefined ? undefined : decode(bytes)
    if (bytes === undefined) yield { line, fault: 'line-too-long' }
    else if (text === undefined) yield { line, fault: 'line-encoding' }
    else if (text.trim() !== '') yield readObject(text, line)
  }
}

function readObject(text: string, line: number): ImportLine {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? { line, fields: value as Readonly<Record<string, unknown>> }
      : { line, fault: 'line-unreadable' }
  } catch {
    return { line, fault: 'line-unreadable' }
  }
}

/** The lines without their line ends. Undefined for a line that is too long; its text is dropped. */
async function* byteLines(path: string): AsyncGenerator<string | undefined> {
  let rest = ''
  let tooLong = false
  for await (const part of partsOf(path)) {
    const [next = '', ...others] = part.split('\n')
    rest += tooLong ? '' : next
    for (const other of others) {
      yield tooLong || rest.length > LONGEST_LINE ? undefined : rest
      tooLong = false
      rest = other
    }
    if (rest.length > LONGEST_LINE) {
      tooLong = true
      rest = ''
    }
  }
  if (tooLong || rest.length > LONGEST_LINE) yield undefined
  else if (rest !== '') yield rest
}

async function* csvRecords(
  path: string,
  readHeader: (columns: readonly string[]) => readonly string[],
): AsyncGenerator<ImportLine> {
  let names: readonly string[] | undefined
  let delimiter = ','
  for await (const record of csvTexts(path, (found) => (delimiter = found))) {
    const { line, to, text, isBroken } = record
    if (text?.trim() === '') continue
    if (text === undefined) yield { line, to, fault: 'line-too-long' }
    else if (isBroken) yield { line, to, fault: 'line-unreadable' }
    else if (names === undefined) names = readHeader(columnsIn(text, delimiter))
    else yield readRecord(record, text, names, delimiter)
  }
}

/** A column whose name is damaged is none that is known. */
function columnsIn(bytes: string, delimiter: string): readonly string[] {
  const text = new TextDecoder('utf-8').decode(Buffer.from(bytes, 'latin1'))
  return (fieldsOf(text, delimiter) ?? []).map((name) => name.trim())
}

function readRecord(
  { line, to }: CsvText,
  bytes: string,
  names: readonly string[],
  delimiter: string,
): ImportLine {
  const text = decode(bytes)
  const end = to === line ? {} : { to }
  if (text === undefined) return { line, ...end, fault: 'line-encoding' }
  const fields = fieldsOf(text, delimiter)
  if (fields?.length !== names.length) return { line, ...end, fault: 'line-unreadable' }
  return { line, fields: Object.fromEntries(names.map((name, at) => [name, fields[at]])) }
}

async function* csvTexts(path: string, told: (delimiter: string) => void): AsyncGenerator<CsvText> {
  let divider: ReturnType<typeof csvDivider> | undefined
  for await (const part of partsOf(path)) {
    if (divider === undefined) {
      const style = styleOf(part)
      told(style.delimiter)
      divider = csvDivider(style, LONGEST_LINE)
    }
    yield* divider.add(part)
  }
  if (divider !== undefined) yield* divider.end()
}
