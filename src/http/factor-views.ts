import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MfaError } from '../domain/errors.ts'
import type {
  EnrolPageName,
  FactorPages,
  OfferPageName,
  VerifyPageName,
} from '../factors/factor-pages.ts'
import type { AnyFactor } from '../factors/factor.ts'
import { readCatalogues, type Catalogue, type Catalogues } from './messages.ts'

/** The part of a factor that its pages need. */
export type ShownFactor = Pick<
  AnyFactor,
  'id' | 'enrolment' | 'enrolmentChallenge' | 'pages' | 'mailedEvents'
>

/** The files that a factor brings for its pages and mails, after they were read and checked. */
export interface FactorViews {
  readonly id: string
  /** The folder of its templates; absent: the application's own folders have them. */
  readonly folder?: string
  readonly pages: readonly FactorPageView[]
  /** Whether it has a form for a login page. */
  readonly hasSignInForm: boolean
  /** The names of its mails: `mail/<name>.njk` in its folder. */
  readonly mails: readonly string[]
  readonly catalogues: Catalogues
  /** Its scripts and its style sheet, by the name under which they are served. */
  readonly files: ReadonlyMap<string, Buffer>
}

export interface FactorPageView {
  readonly name: EnrolPageName | VerifyPageName | OfferPageName
  readonly template: string
}

/** The language that every factor has, shown where a text in another language is missing. */
export const COMMON_LOCALE = 'en'

export function enrolPageOf({ id, pages }: Pick<ShownFactor, 'id' | 'pages'>): EnrolPageName {
  return pages?.names?.enrol ?? `${id}-enrol`
}

export function verifyPageOf({ id, pages }: Pick<ShownFactor, 'id' | 'pages'>): VerifyPageName {
  return pages?.names?.verify ?? `${id}-verify`
}

export function offerPageOf({ id, pages }: Pick<ShownFactor, 'id' | 'pages'>): OfferPageName {
  return pages?.names?.offer ?? `${id}-offer`
}

/** The names that are taken before any factor is read. */
export interface KnownNames {
  readonly pages: readonly string[]
  readonly mails: readonly string[]
  readonly words: Catalogue
}

/**
 * Reads the files that factors bring for their pages and mails. Throws MfaError `options-invalid` that lists every
 * fault, each with the factor's id: a folder or file that is missing, a name of a page or mail that another one has, a
 * message key or mail outside of the factor's own names, a key taken already, a mail without a subject.
 */
export function readFactorViews(
  factors: readonly ShownFactor[],
  known: KnownNames,
): readonly FactorViews[] {
  const faults: string[] = []
  const views = factors.map((factor) => readOne(factor, faults))
  const pagesOfOne = ({ pages }: FactorViews) => pages.map(({ name }) => name)
  faults.push(...sharedNames('page', views, pagesOfOne, known.pages))
  faults.push(...sharedNames('mail', views, ({ mails }) => mails, known.mails))
  faults.push(...views.flatMap(unfitMails), ...unfitKeys(views, known.words))
  refuse(faults)
  return views
}

/** Throws MfaError `options-invalid` if there is a fault. */
export function refuse(faults: readonly string[]): void {
  if (faults.length > 0)
    throw new MfaError('options-invalid', `createMfa:\n- ${faults.join('\n- ')}`)
}

/** A fault of a factor, as one line of the refusal. */
function faultOf(id: string, fault: string): string {
  return `factors: "${id}": ${fault}`
}

function readOne(factor: ShownFactor, faults: string[]): FactorViews {
  const { id, pages } = factor
  const nothing = { hasSignInForm: false, mails: [], catalogues: new Map(), files: new Map() }
  const views = { id, pages: pagesOf(factor), ...nothing }
  if (pages === undefined) return views
  if (pages.offer === true && (pages.beside === undefined || factor.enrolment !== 'confirmed'))
    faults.push(faultOf(id, 'an offer needs a script `beside` and a factor that people set up'))
  if (pages.silent === true && (pages.offer !== true || factor.enrolmentChallenge === undefined))
    faults.push(faultOf(id, '`silent` needs an `offer` and `enrolmentChallenge`'))
  const folder = pathOf(pages.views)
  if (!existsSync(folder)) {
    faults.push(faultOf(id, `there is no views folder ${folder}`))
    return views
  }
  const mails = mailsIn(folder)
  for (const type of factor.mailedEvents ?? [])
    if (!mails.includes(type))
      faults.push(faultOf(id, `the mailed event "${type}" has no mail/${type}.njk`))
  return {
    ...views,
    folder,
    hasSignInForm: existsSync(join(folder, SIGN_IN_FORM)),
    mails,
    catalogues: cataloguesIn(folder, id, faults),
    files: filesOf(id, pages, faults),
  }
}

function pagesOf(factor: ShownFactor): readonly FactorPageView[] {
  const verify = { name: verifyPageOf(factor), template: `factors/${factor.id}/verify.njk` }
  if (factor.enrolment !== 'confirmed') return [verify]
  const enrol = { name: enrolPageOf(factor), template: `factors/${factor.id}/enrol.njk` }
  if (factor.pages?.offer !== true) return [enrol, verify]
  return [enrol, verify, { name: offerPageOf(factor), template: `factors/${factor.id}/offer.njk` }]
}

/** The names of the mails in a views folder. */
export function mailsIn(folder: string): readonly string[] {
  const mails = join(folder, 'mail')
  if (!existsSync(mails)) return []
  return readdirSync(mails).flatMap((file) => /^(.+)\.njk$/.exec(file)?.[1] ?? [])
}

function cataloguesIn(folder: string, id: string, faults: string[]): Catalogues {
  try {
    return readCatalogues(folder)
  } catch (error) {
    faults.push(faultOf(id, error instanceof Error ? error.message : String(error)))
    return new Map()
  }
}

function filesOf(id: string, pages: FactorPages, faults: string[]): ReadonlyMap<string, Buffer> {
  const files = new Map<string, Buffer>()
  for (const [what, file, name] of [
    ['script', pages.script, scriptOf(id)],
    ['script', pages.signInScript, signInScriptOf(id)],
    ['style', pages.style, styleOf(id)],
    ['script', pages.beside, besideOf(id)],
  ] as const) {
    if (file === undefined) continue
    const path = pathOf(file)
    if (statSync(path, { throwIfNoEntry: false })?.isFile() === true)
      files.set(name, readFileSync(path))
    else faults.push(faultOf(id, `there is no ${what} ${path}`))
  }
  return files
}

/** The name under which a factor's script is served. An application's own file of that name is served in its place. */
export function scriptOf(id: string): string {
  return `factor-${id}.js`
}

/** The name under which the script of its form on a login page is served. */
export function signInScriptOf(id: string): string {
  return `factor-${id}-sign-in.js`
}

const SIGN_IN_FORM = 'sign-in-form.njk'

/** The template of the form by which a login page offers a factor. */
export function signInFormOf(id: string): string {
  return `factors/${id}/${SIGN_IN_FORM}`
}

/** The name under which its script for pages that are not its own is served. */
export function besideOf(id: string): string {
  return `factor-${id}-beside.js`
}

export function styleOf(id: string): string {
  return `factor-${id}.css`
}

function pathOf(file: URL | string): string {
  return file instanceof URL || file.startsWith('file:') ? fileURLToPath(file) : file
}

function sharedNames(
  what: 'page' | 'mail',
  views: readonly FactorViews[],
  namesOf: (views: FactorViews) => readonly string[],
  known: readonly string[],
): readonly string[] {
  const owners = new Map(known.map((name) => [name, 'this product']))
  return views.flatMap((each) =>
    namesOf(each).flatMap((name) => {
      const owner = owners.get(name)
      owners.set(name, `the factor "${each.id}"`)
      if (owner === undefined) return []
      return [faultOf(each.id, `the ${what} name "${name}" is one of ${owner} already`)]
    }),
  )
}

function unfitMails({ id, mails, catalogues }: FactorViews): readonly string[] {
  const common = catalogues.get(COMMON_LOCALE) ?? {}
  return mails.flatMap((name) => {
    if (name !== id && !name.startsWith(`${id}-`))
      return [faultOf(id, `the mail "${name}" is called neither "${id}" nor "${id}-..."`)]
    if (Object.hasOwn(common, `mail.${name}.subject`)) return []
    return [faultOf(id, `messages/${COMMON_LOCALE}.json has no "mail.${name}.subject"`)]
  })
}

/** A key of another owner would change a sentence on a page that does not belong to the factor. */
function unfitKeys(views: readonly FactorViews[], words: Catalogue): readonly string[] {
  const owners = new Map(Object.keys(words).map((key) => [key, 'this product']))
  return views.flatMap(({ id, mails, catalogues }) => {
    const own = [`${id}.`, `factor.${id}.`, ...mails.map((name) => `mail.${name}.`)]
    const common = catalogues.get(COMMON_LOCALE) ?? {}
    const faults = [...catalogues].flatMap(([locale, catalogue]) =>
      Object.keys(catalogue).flatMap((key) => {
        const fault = keyFault(key, own, owners.get(key), common)
        return fault === undefined
          ? []
          : [faultOf(id, `messages/${locale}.json: the key "${key}" ${fault}`)]
      }),
    )
    for (const key of Object.keys(common)) owners.set(key, `the factor "${id}"`)
    return faults
  })
}

function keyFault(
  key: string,
  own: readonly string[],
  owner: string | undefined,
  common: Catalogue,
): string | undefined {
  if (!own.some((prefix) => key.startsWith(prefix)))
    return `begins with none of ${own.map((prefix) => `"${prefix}"`).join(', ')}`
  if (owner !== undefined) return `is one of ${owner} already`
  if (!Object.hasOwn(common, key)) return `is missing in messages/${COMMON_LOCALE}.json`
  return undefined
}

/** Templates of a factor that are missing or do not compile, as lines of the refusal. */
export function brokenTemplates(
  environment: { getTemplate(name: string, eagerCompile: boolean): unknown },
  { id, folder }: FactorViews,
  templates: readonly string[],
): readonly string[] {
  return templates.flatMap((name) => {
    try {
      environment.getTemplate(name, true)
      return []
    } catch (error) {
      const where = folder === undefined ? 'it has no `pages`, and ' : ''
      return [faultOf(id, `${where}the template ${name}: ${lastLine(error)}`)]
    }
  })
}

/** A template's error arrives wrapped once for each line that led there: the innermost line says what is wrong. */
export function lastLine(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n').at(-1) ?? '').trim() : ''
}
