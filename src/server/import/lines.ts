import { createReadStream } from 'node:fs'
import { parse, type CsvError } from 'csv-parse'

export const IMPORT_FORMATS = ['jsonl', 'csv'] as const
export type ImportFormat = (typeof IMPORT_FORMATS)[number]

/** One person of a file, or why the line cannot be read. `line` counts from 1; a CSV record has its last line's number. */
export type ImportLine =
  | { readonly line: number; readonly fields: Readonly<Record<string, unknown>> }
  | { readonly line: number; readonly fault: LineFault }

export type LineFault = 'line-unreadable' | 'line-too-long'

/** Longest line, in characters: no person needs more, and the whole file is never in memory. */
export const LONGEST_LINE = 256 * 1024

/** The format by the file's name. Undefined: the name does not tell. */
export function formatOf(path: string): ImportFormat | undefined {
  if (/\.csv$/i.test(path)) return 'csv'
  return /\.(?:jsonl|ndjson|json)$/i.test(path) ? 'jsonl' : undefined
}

/**
 * The people of a file, one after the other as they are asked for: JSON objects, one a line, or CSV with a header,
 * which `checkHeader` gets before the first of them. A line that cannot be read is answered by its number, and
 * the rest goes on. Throws what reading a file throws, and what `checkHeader` throws.
 */
export function readImport(
  path: string,
  format: ImportFormat,
  checkHeader: (columns: readonly string[]) => void = () => undefined,
): AsyncIterable<ImportLine> {
  return format === 'csv' ? csvRecords(path, checkHeader) : jsonLines(path)
}

async function* jsonLines(path: string): AsyncGenerator<ImportLine> {
  let line = 0
  for await (const text of textLines(path)) {
    line += 1
    if (text === undefined) yield { line, fault: 'line-too-long' }
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
async function* textLines(path: string): AsyncGenerator<string | undefined> {
  let rest = ''
  let tooLong = false
  let isFirst = true
  for await (const chunk of createReadStream(path, 'utf8')) {
    const text = isFirst ? String(chunk).replace(/^\uFEFF/, '') : String(chunk)
    isFirst = false
    const [next = '', ...others] = text.split('\n')
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

interface CsvRecord {
  readonly record: Readonly<Record<string, string>>
  readonly info: { readonly lines: number }
}

async function* csvRecords(
  path: string,
  checkHeader: (columns: readonly string[]) => void,
): AsyncGenerator<ImportLine> {
  const skipped: ImportLine[] = []
  let unchecked: readonly string[] | undefined
  const parser = parse({
    bom: true,
    info: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    columns: (header: string[]) => (unchecked = header.map((name) => name.trim())),
    max_record_size: LONGEST_LINE,
    on_skip(error) {
      // The error quotes the record: its number and kind are all that is passed on.
      const { code, lines } = error as CsvError & { lines: number }
      const fault = code === 'CSV_MAX_RECORD_SIZE' ? 'line-too-long' : 'line-unreadable'
      skipped.push({ line: lines, fault })
      return undefined
    },
  })
  const file = createReadStream(path)
  file.on('error', (error) => parser.destroy(error))
  file.pipe(parser)
  for await (const { record, info } of parser as AsyncIterable<CsvRecord>) {
    if (unchecked !== undefined) checkHeader(unchecked)
    unchecked = undefined
    yield* skipped.splice(0)
    yield { line: info.lines, fields: record }
  }
  yield* skipped
}
