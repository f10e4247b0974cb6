import { parse } from 'csv-parse/sync'

/** The text of one record of a CSV file, byte for byte, with the numbers of its first and its last line. */
export interface CsvText {
  readonly line: number
  readonly to: number
  /** Undefined: it has more bytes than are read of one. */
  readonly text: string | undefined
  /** Its quotes do not fit: one is not closed, or stands where none may be. */
  readonly isBroken: boolean
}

/** The style of a file, as its first line shows it. */
export interface CsvStyle {
  readonly delimiter: string
  readonly lineEnd: '\n' | '\r'
}

/** The delimiters that spreadsheets write. */
const DELIMITERS = [',', ';', '\t']

/** The delimiter that the header has most often outside of quotes. Old spreadsheets end a line with CR alone. */
export function styleOf(beginning: string): CsvStyle {
  const [, header = '', end] = /([^\r\n]+)(\r\n|\r|\n)?/.exec(beginning) ?? []
  const counts = DELIMITERS.map(
    (delimiter) => header.replaceAll(/"[^"]*"/g, '').split(delimiter).length,
  )
  const delimiter = DELIMITERS[counts.indexOf(Math.max(...counts))] ?? ','
  return { delimiter, lineEnd: end === '\r' ? '\r' : '\n' }
}

/** The fields of one record. Undefined: it is no CSV, or more than one record. */
export function fieldsOf(text: string, delimiter: string): readonly string[] | undefined {
  try {
    const records = parse(text.replace(/\r$/, ''), {
      delimiter,
      trim: true,
      relax_column_count: true,
      record_delimiter: '\n',
    })
    return records.length === 1 ? records[0] : undefined
  } catch {
    return undefined
  }
}

/** Where a character stands: at the beginning of a field, in a plain one, in quotes, or behind a quote in quotes. */
type Position = 'start' | 'plain' | 'quoted' | 'quote' | 'closed'

/**
 * Divides a file into records, as its parts come. A quoted field goes on to its closing quote, however much is in it: what
 * a person typed into a field never becomes a row. Of a record over `longest` bytes the text is dropped.
 */
export function csvDivider({ delimiter, lineEnd }: CsvStyle, longest: number) {
  let position: Position = 'start'
  let isBroken = false
  let text: string | undefined = ''
  let [line, first] = [1, 1]
  let endsLine = false

  const keep = (part: string): void => {
    text = text === undefined || text.length + part.length > longest ? undefined : text + part
  }
  const end = (): CsvText => {
    const ended = { line: first, to: line, text, isBroken: isBroken || position === 'quoted' }
    position = 'start'
    isBroken = false
    text = ''
    return ended
  }
  const step = (char: string): void => {
    const next = nextPosition(position, char, delimiter)
    position = next.position
    isBroken ||= next.isBroken
  }

  return {
    *add(part: string): Generator<CsvText> {
      let from = 0
      for (let at = 0; at < part.length; at += 1) {
        const char = part.charAt(at)
        if (char !== lineEnd) step(char)
        else if (position === 'quoted') line += 1
        else {
          keep(part.slice(from, at))
          yield end()
          from = at + 1
          line += 1
          first = line
        }
      }
      keep(part.slice(from))
      endsLine = part.endsWith(lineEnd)
    },
    /** The record without a line end at the end of the file. */
    *end(): Generator<CsvText> {
      if (endsLine && position === 'quoted') line -= 1
      if (text !== '') yield end()
    },
  }
}

function nextPosition(
  position: Position,
  char: string,
  delimiter: string,
): { readonly position: Position; readonly isBroken: boolean } {
  const to = (next: Position, isBroken = false) => ({ position: next, isBroken })
  if (position === 'quoted') return to(char === '"' ? 'quote' : 'quoted')
  if (position === 'quote' && char === '"') return to('quoted')
  if (char === delimiter) return to('start')
  const isSpace = char === ' ' || char === '\t' || char === '\r'
  if (position === 'plain') return to('plain', char === '"')
  if (position === 'start') return to(isSpace ? 'start' : char === '"' ? 'quoted' : 'plain')
  // Behind a closing quote: with anything else here the quote was a person's own, and the field goes on.
  return isSpace ? to('closed') : to('quoted', true)
}
