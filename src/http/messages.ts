import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/**
 * The text of pages and mails. A catalogue is a file views/messages/<locale>.json, so a second language is a file. A
 * message is a sentence with `{placeholders}`, or one sentence for each plural form of `{count}`. The forms have the
 * names of Intl.PluralRules; `=0`, `=1`, ... for one number take precedence.
 */
export type Message = string | Readonly<Record<string, string>>
export type Catalogue = Readonly<Record<string, Message>>
/** By locale (BCP 47). */
export type Catalogues = ReadonlyMap<string, Catalogue>
export type MessageValues = Readonly<Record<string, unknown>>

/** HTML that a value of a message brings. The code that makes it escapes every text in it. */
export class Markup {
  readonly html: string

  constructor(html: string) {
    this.html = html
  }
}

export interface Translator {
  readonly locale: string
  /** Plain text, to be escaped by the template. Throws for an unknown key and for a value that is missing. */
  text(key: string, values?: MessageValues): string
  /** HTML: everything but `Markup` is escaped, and `**words**` in the message become `<b>`; in a value they stay as they are. */
  html(key: string, values?: MessageValues): string
  has(key: string): boolean
  /**
   * A length of time in words: whole days, hours or minutes as they are ("30 days", "1 hour", "45 seconds"), anything
   * else rounded up ("about 4 minutes", "about 2 hours").
   */
  duration(seconds: number): string
  /** A moment in words, in UTC: the reader's time zone is not known here. */
  moment(secondsSinceEpoch: number): string
  /**
   * The HTML of a moment, or of the day that it lies in. The text names UTC; the pages' script shows the reader's own
   * time zone in its place.
   */
  time(secondsSinceEpoch: number, shown?: 'moment' | 'day'): Markup
}

/**
 * The catalogues of all languages. A message of an earlier folder replaces the same message of a later one, so that an
 * application can change a single sentence; our folder is the last one. `brought`: catalogues that factors bring, over
 * ours and under the application's. They add no language: only a part of each page would be in it.
 *
 * Throws for a file that is no catalogue; the error names the file.
 */
export function loadCatalogues(
  folders: readonly string[],
  overrides: Readonly<Record<string, Catalogue>> = {},
  brought: readonly Catalogues[] = [],
): Catalogues {
  const none: Catalogues = new Map()
  const [ours = none, ...applications] = folders.map(readCatalogues).reverse()
  const own: readonly Catalogues[] = [...applications, new Map(Object.entries(overrides))]
  const locales = new Set([ours, ...own].flatMap((catalogues) => [...catalogues.keys()]))
  const merged = new Map<string, Record<string, Message>>()
  for (const catalogues of [ours, ...brought, ...own])
    for (const [locale, catalogue] of catalogues)
      if (locales.has(locale)) merged.set(locale, { ...merged.get(locale), ...catalogue })
  return merged
}

/** The keys of English, in which every message exists, that a language lacks. */
export function missingMessages(catalogues: Catalogues, locale: string): readonly string[] {
  const translated = catalogues.get(locale) ?? {}
  return Object.keys(catalogues.get('en') ?? {}).filter((key) => !Object.hasOwn(translated, key))
}

/** The catalogues messages/<locale>.json of one folder, by locale. Throws for a file that is no catalogue. */
export function readCatalogues(folder: string): Catalogues {
  const directory = join(folder, 'messages')
  if (!existsSync(directory)) return new Map()
  const files = readdirSync(directory).filter((name) => name.endsWith('.json'))
  return new Map(
    files.map((file) => [file.slice(0, -'.json'.length), readCatalogue(join(directory, file))]),
  )
}

function readCatalogue(path: string): Catalogue {
  const content = parsedFile(path)
  if (typeof content !== 'object' || content === null || Array.isArray(content))
    throw new TypeError(`${path} is no message catalogue`)
  for (const [key, message] of Object.entries(content))
    if (!isMessage(message)) throw new TypeError(`${path}: "${key}" is no message`)
  return content as Catalogue
}

function parsedFile(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    const fault = error instanceof Error ? error.message : String(error)
    throw new TypeError(`${path}: ${fault}`, { cause: error })
  }
}

export function isMessage(value: unknown): value is Message {
  if (typeof value === 'string') return true
  if (typeof value !== 'object' || value === null) return false
  return 'other' in value && Object.values(value).every((form) => typeof form === 'string')
}

/**
 * A key that is missing in `locale` is taken from `fallback`, so that an incomplete translation can be used, and a key
 * that is missing there too is taken from English, in which every key exists.
 */
export function translator(catalogues: Catalogues, locale: string, fallback: string): Translator {
  const layers = [locale, fallback, 'en'].map((name) => [name, catalogues.get(name) ?? {}] as const)
  const { numbers, units, moments, days } = formatsOf(locale)
  const plurals = new Map(layers.map(([name]) => [name, new Intl.PluralRules(name)]))

  function find(key: string): { source: string; message: Message } | undefined {
    for (const [source, catalogue] of layers) {
      const message = Object.hasOwn(catalogue, key) ? catalogue[key] : undefined
      if (message !== undefined) return { source, message }
    }
    return undefined
  }

  function sentence(key: string, values: MessageValues): string {
    const found = find(key)
    if (found === undefined) throw new Error(`No message "${key}" in "${locale}" or "${fallback}"`)
    const { source, message } = found
    if (typeof message === 'string') return message
    const count = Number(values.count)
    if (!Number.isFinite(count)) throw new Error(`Message "${key}" needs a number as {count}`)
    const form = message[`=${count}`] ?? message[plurals.get(source)?.select(count) ?? 'other']
    return form ?? message.other ?? ''
  }

  function fill(key: string, template: string, values: MessageValues): string {
    return template.replaceAll(/\{([a-zA-Z]+)\}/g, (_, name: string) => {
      const value = Object.hasOwn(values, name) ? values[name] : undefined
      if (typeof value === 'number') return numbers.format(value)
      if (typeof value === 'string') return value
      throw new Error(`Message "${key}" needs {${name}}`)
    })
  }

  const text = (key: string, values: MessageValues = {}) => fill(key, sentence(key, values), values)

  return {
    locale,
    text,
    html(key, values = {}) {
      const marked = escapeHtml(sentence(key, values)).replaceAll(/\*\*(.+?)\*\*/g, '<b>$1</b>')
      return fill(key, marked, escaped(values))
    },
    has: (key) => find(key) !== undefined,
    duration(seconds) {
      const { unit, length, isExact } = inWords(seconds)
      const duration = units.get(unit)?.format(length) ?? String(length)
      return isExact ? duration : text('duration.about', { duration })
    },
    moment: (secondsSinceEpoch) => moments.format(new Date(secondsSinceEpoch * 1000)),
    time(secondsSinceEpoch, shown = 'moment') {
      const date = new Date(secondsSinceEpoch * 1000)
      const moment = (shown === 'day' ? days : moments).format(date)
      const utc = escapeHtml(text('time.utc', { moment }))
      return new Markup(
        `<time datetime="${date.toISOString()}" data-shown="${shown}">${utc}</time>`,
      )
    },
  }
}

/** The values for a sentence in HTML: a text is escaped, and markup stays as it is. */
function escaped(values: MessageValues): MessageValues {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      if (value instanceof Markup) return [name, value.html]
      return [name, typeof value === 'string' ? escapeHtml(value) : value]
    }),
  )
}

function formatsOf(locale: string) {
  const utc = { dateStyle: 'long', timeZone: 'UTC' } as const
  return {
    numbers: new Intl.NumberFormat(locale),
    units: new Map(
      (['second', 'minute', 'hour', 'day'] as const).map((unit) => [
        unit,
        new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'long' }),
      ]),
    ),
    moments: new Intl.DateTimeFormat(locale, { ...utc, timeStyle: 'short' }),
    days: new Intl.DateTimeFormat(locale, utc),
  }
}

const UNITS = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
] as const

interface Length {
  readonly unit: 'second' | 'minute' | 'hour' | 'day'
  readonly length: number
  readonly isExact: boolean
}

/** More of one unit are hard to imagine: "43,199 minutes" says less than "about 30 days". */
const MOST_OF_A_UNIT = 99

/**
 * The largest unit that divides the time into a number of two digits at most. If there is none, the largest unit of which
 * the time has two or more, so that rounding up changes little. It is exact where the unit divides the time. Less than two
 * minutes are said in seconds.
 */
function inWords(seconds: number): Length {
  const whole = Math.max(1, Math.ceil(seconds))
  if (whole < 120) return { unit: 'second', length: whole, isExact: true }
  const exact = UNITS.find(
    ([name, size]) => whole % size === 0 && (name === 'day' || whole / size <= MOST_OF_A_UNIT),
  )
  const [unit, size] = exact ?? UNITS.find(([, one]) => whole >= 2 * one) ?? ['minute', 60]
  return { unit, length: Math.ceil(whole / size), isExact: whole % size === 0 }
}

const HTML_ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => HTML_ESCAPES[character] ?? character)
}

/** The most languages that are read: a browser may send a list of any length. */
const LONGEST_LIST = 20

/** The sources that name the languages of a person. */
export interface WantedLanguages {
  /** `ui_locales` of the authorization request (OIDC Core 3.1.2.1), separated by spaces. */
  readonly uiLocales?: string | undefined
  /** The language that the person has chosen for the account (BCP 47; an underscore may stand for a hyphen). */
  readonly chosen?: string | undefined
  /** The browser's Accept-Language (RFC 9110 12.5.4). */
  readonly acceptLanguage?: string | undefined
}

/**
 * The languages that a person reads, the best first: those of the request, the chosen one, those of the browser. Anything
 * else than a language tag is left out.
 */
export function wantedLocales(request: WantedLanguages): readonly string[] {
  const asked = (request.uiLocales ?? '').split(' ', LONGEST_LIST)
  const accepted = (request.acceptLanguage ?? '')
    .split(',', LONGEST_LIST)
    .map((range) => {
      const [tag = '', ...parameters] = range.split(';').map((part) => part.trim())
      const quality = parameters.find((parameter) => /^q=/i.test(parameter))
      return { tag, quality: quality === undefined ? 1 : Number(quality.slice(2)) }
    })
    .filter(({ quality }) => quality > 0)
    .sort((one, other) => other.quality - one.quality)
    .map(({ tag }) => tag)
  const chosen = (request.chosen ?? '').replaceAll('_', '-')
  return [...asked, chosen, ...accepted].filter((tag) => /^[a-z]{2,8}(-[a-z0-9]{1,8})*$/i.test(tag))
}

/**
 * The first wanted language that is there, by lookup (RFC 4647 3.4): `de-AT` finds `de`; and `pt` finds `pt-BR`,
 * since a variant of the right language reads better than English. Case does not matter.
 */
export function pickLocale(
  wanted: readonly string[],
  available: readonly string[],
  otherwise = 'en',
): string {
  for (const tag of wanted) {
    const subtags = tag.toLowerCase().split('-')
    for (let length = subtags.length; length > 0; length -= 1) {
      const prefix = subtags.slice(0, length).join('-')
      const exact = available.find((locale) => locale.toLowerCase() === prefix)
      if (exact !== undefined) return exact
    }
    const variant = available.find((locale) => locale.toLowerCase().startsWith(`${subtags[0]}-`))
    if (variant !== undefined) return variant
  }
  return otherwise
}
