import { isMessage, type Catalogue, type Catalogues } from './messages.ts'
import { isAnything, isSame, matches, type MessageUse, type Pattern } from './message-uses.ts'
import { MAIL_VALUES } from './mail.ts'
import { suggestion } from '../domain/nearest-name.ts'
import type { TemplateFile } from './template-files.ts'

/** Messages of the application's own: one file, or the option `messages` of one language. */
export interface OwnMessages {
  readonly where: string
  readonly catalogue: Catalogue
}

export interface MessageSources {
  /** All catalogues, the application's over those of factors and ours. */
  readonly catalogues: Catalogues
  /** Those of this product and of factors. */
  readonly given: readonly Catalogues[]
  /** The language that replaces a missing one; English replaces it in turn. */
  readonly locale: string
}

/** The messages that a template shows and that do not exist, or that need a value which it does not pass. */
export function unknownMessages(file: TemplateFile, sources: MessageSources): readonly string[] {
  const known = [...new Set([...sources.catalogues.values()].flatMap(Object.keys))]
  return file.shown.flatMap((use) => {
    if (file.asked.some((asked) => isSame(asked, use.key))) return []
    const fault = use.key.exact ? exactFault(use, known, sources) : patternFault(use, known)
    const line = use.line === undefined ? '' : `:${use.line}`
    return fault === undefined ? [] : [`${file.path}${line}: ${fault}`]
  })
}

function patternFault({ key }: MessageUse, known: readonly string[]): string | undefined {
  if (isAnything(key) || known.some((each) => matches(key, each))) return undefined
  return `there is no message "${key.start}...${key.end}"`
}

function exactFault(
  { key: { start: key }, values }: MessageUse,
  known: readonly string[],
  { catalogues, locale }: MessageSources,
): string | undefined {
  if (!known.includes(key)) return `there is no message "${key}"${suggestion(key, known)}`
  const fallback = [catalogues.get(locale), catalogues.get('en')]
  for (const [language, catalogue] of catalogues) {
    const layers = [catalogue, ...fallback]
    const holder = layers.find((each) => each !== undefined && Object.hasOwn(each, key))
    if (holder === undefined)
      return `the message "${key}" is in no language that replaces it in "${language}": add it to messages/en.json`
    for (const name of valuesIn(holder, key))
      if (values?.includes(name) === false) return `the message "${key}" needs the value "${name}"`
  }
  return undefined
}

/** The values that a message needs; one with plural forms needs a count. */
function valuesIn(catalogue: Catalogue, key: string): readonly string[] {
  const message = catalogue[key] ?? ''
  const forms = typeof message === 'string' ? [message] : Object.values(message)
  const names = forms.flatMap((form) =>
    [...form.matchAll(/\{([a-zA-Z]+)\}/g)].map(([, name]) => name ?? ''),
  )
  return [...new Set(typeof message === 'string' ? names : ['count', ...names])]
}

/**
 * The messages of the application's that nothing shows, because their key is misspelt, and those with a value that is
 * never given. A key in a namespace of the application's own (`acme.motto`) is its own affair.
 */
export function unusedMessages(
  { where, catalogue }: OwnMessages,
  { given }: MessageSources,
  files: readonly TemplateFile[],
  brought: readonly TemplateFile[],
): readonly string[] {
  const known = new Set(given.flatMap((each) => [...each.values()].flatMap(Object.keys)))
  const namespaces = new Set([...known].map((key) => key.split('.')[0]))
  const uses = files.flatMap(({ shown }) => shown)
  // Our own templates compute most keys from a closed set; where it is open, they ask whether there is a message.
  const open: readonly Pattern[] = [
    ...brought.flatMap(({ shown, asked }) => [...shown.map(({ key }) => key), ...asked]),
    ...files.flatMap(({ asked }) => asked),
    ...brought.flatMap(({ name }) => subjectOf(name)),
  ]
  return Object.entries(catalogue).flatMap(([key, message]) => {
    const fault = (text: string) => [`${where}: ${text}`]
    if (!isMessage(message)) return fault(`"${key}" is no message`)
    if (!known.has(key) && !open.some((pattern) => matches(pattern, key))) {
      const near = suggestion(key, known)
      const ours = namespaces.has(key.split('.')[0])
      return near !== '' || ours ? fault(`no page and no mail shows a message "${key}"${near}`) : []
    }
    const passed = valuesFor(key, uses, given)
    if (passed === undefined || (passed.length === 0 && !known.has(key))) return []
    return valuesIn(catalogue, key)
      .filter((name) => name !== 'count' && !passed.includes(name))
      .flatMap((name) => fault(`"${key}" gets no value "${name}"${suggestion(name, passed)}`))
  })
}

/** The key of the subject of a mail, by the name of its template. */
function subjectOf(template: string): readonly Pattern[] {
  const [, mail] = /^mail\/([a-z0-9-]+)\.njk$/.exec(template) ?? []
  return mail === undefined ? [] : [{ start: `mail.${mail}.subject`, end: '', exact: true }]
}

/** The values that a message may have: those that templates pass, and those that our own sentence has. Undefined: any. */
function valuesFor(
  key: string,
  uses: readonly MessageUse[],
  catalogues: readonly Catalogues[],
): readonly string[] | undefined {
  const passed = uses.filter((use) => matches(use.key, key)).map(({ values }) => values)
  if (passed.includes(undefined)) return undefined
  const had = catalogues.flatMap((each) =>
    [...each.values()].flatMap((catalogue) => valuesIn(catalogue, key)),
  )
  const [, mail] = /^mail\.(.+)\.subject$/.exec(key) ?? []
  const ofMail = Object.entries(MAIL_VALUES).find(([name]) => name === mail)?.[1]
  // A factor gives the values of its own mail.
  if (mail !== undefined && ofMail === undefined) return undefined
  const given = [...(ofMail?.needed ?? []), ...(ofMail?.optional ?? [])]
  return [...passed.flatMap((values) => values ?? []), ...had, ...given]
}
