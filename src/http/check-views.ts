import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type nunjucks from 'nunjucks'
import { MfaError } from '../domain/errors.ts'
import {
  unknownMessages,
  unusedMessages,
  type MessageSources,
  type OwnMessages,
} from './check-messages.ts'
import { signInFormOf, type FactorViews } from './factor-views.ts'
import { ADDED_MAIL_VALUES, MAIL_VALUES } from './mail.ts'
import { readCatalogues, type Catalogue } from './messages.ts'
import { isAnything, matches } from './message-uses.ts'
import { nearest } from '../domain/nearest-name.ts'
import {
  FACTOR_PAGES,
  PAGE_VALUES,
  SURROUNDING_VALUES,
  together,
  type Members,
} from './page-values.ts'
import { ADDED_VALUES, TEMPLATES } from './render.ts'
import { SIGN_IN_FORM_VALUES } from './sign-in-form.ts'
import { readTemplates, type TemplateFile, type TemplateFiles } from './template-files.ts'
import { unknownNames, unknownReferences, type Vocabulary } from './template-names.ts'
import type { Sources } from './templates.ts'

/** The views that are checked, and the names that exist for them. */
export interface CheckedViews extends Sources {
  readonly factors: readonly FactorViews[]
  /** The option `messages`. */
  readonly messages: Readonly<Record<string, Catalogue>>
  /** Those of this product and of factors. */
  readonly given: MessageSources['given']
  /** The names of all files that pages refer to. */
  readonly assets: readonly string[]
  /** The picture of the service, if it is the name of a file. */
  readonly logo: string | undefined
  readonly environments: {
    readonly page: nunjucks.Environment
    readonly mail: nunjucks.Environment
  }
}

/**
 * Looks for misspelt names in the views of the application and of factors that bring their own: variables, messages,
 * files, filters, blocks and templates. A page with such a name would fail, or lack a part, only when a person sees it.
 * Throws MfaError `views-invalid` that names each with its file.
 */
export function checkViews(views: CheckedViews): void {
  const faults = [...logoFault(views), ...(bringsAny(views) ? faultsOf(views) : [])]
  if (faults.length > 0)
    throw new MfaError('views-invalid', `createMfa:\n- ${[...new Set(faults)].join('\n- ')}`)
}

function bringsAny({ folders, mounts, messages }: CheckedViews): boolean {
  return folders.length > 1 || mounts.length > 0 || Object.keys(messages).length > 0
}

function faultsOf(views: CheckedViews): readonly string[] {
  const files = readTemplates(views.folders, views.mounts)
  const faults = [...files.faults]
  for (const file of files.brought) {
    faults.push(...unknownNames(file, vocabularyOf(file, files, views)))
    faults.push(...unknownReferences(file, files), ...unknownMessages(file, views))
    if (files.applications.has(file)) faults.push(...misspeltTemplate(file, files, views))
  }
  for (const messages of ownMessages(views))
    faults.push(...unusedMessages(messages, views, files.all, files.brought))
  return faults
}

function logoFault({ logo, assets }: CheckedViews): readonly string[] {
  if (logo === undefined || assets.includes(logo)) return []
  const near = nearest(logo, assets)
  const hint = near === undefined ? '' : ` (did you mean "${near}"?)`
  return [`theme.logo: there is no file "${logo}" in a views folder${hint}`]
}

function ownMessages({ folders, messages }: CheckedViews): readonly OwnMessages[] {
  const inFiles = folders.slice(0, -1).flatMap((folder) =>
    [...readCatalogues(folder)].map(([locale, catalogue]) => ({
      where: join(folder, 'messages', `${locale}.json`),
      catalogue,
    })),
  )
  const inOption = Object.entries(messages).map(([locale, catalogue]) => ({
    where: `messages.${locale}`,
    catalogue,
  }))
  return [...inFiles, ...inOption]
}

function vocabularyOf(file: TemplateFile, files: TemplateFiles, views: CheckedViews): Vocabulary {
  const ofMail = file.name.startsWith('mail/')
  const environment = ofMail ? views.environments.mail : views.environments.page
  const values = valuesOf(file.name, views) ?? (isOwnMail(file, files) ? 'any' : undefined)
  return {
    values: values === 'any' ? undefined : (values ?? everyValue(files, views)),
    around: namesAround(file, files, values === undefined),
    assets: views.assets,
    files,
    isFilter: (name) => answers(() => environment.getFilter(name)),
    isTest: (name) => answers(() => (environment as WithTests).getTest(name)),
    isGlobal: (name) => answers(() => environment.getGlobal(name)),
  }
}

interface WithTests extends nunjucks.Environment {
  getTest(name: string): unknown
}

/** Nunjucks throws for a name that it does not know. */
function answers(ask: () => unknown): boolean {
  try {
    ask()
    return true
  } catch {
    return false
  }
}

/** The values of the page or mail that a template shows; undefined: it is a part of several. */
function valuesOf(name: string, { factors }: CheckedViews): Members | 'any' | undefined {
  const own = Object.entries(TEMPLATES).find(([, { template }]) => template === name)
  if (own !== undefined) return pageValues(PAGE_VALUES[own[0] as keyof typeof PAGE_VALUES])
  for (const factor of factors) {
    const page = factor.pages.find(({ template }) => template === name)
    if (page !== undefined) return pageValues(factorPageValues(page.name, name))
    if (factor.hasSignInForm && name === signInFormOf(factor.id)) return SIGN_IN_FORM_VALUES
    if (factor.mails.some((mail) => name === `mail/${mail}.njk`)) return 'any'
  }
  const mail = Object.entries(MAIL_VALUES).find(([each]) => name === `mail/${each}.njk`)
  return mail === undefined ? undefined : mailValues(mail[1])
}

function pageValues(model: Members): Members {
  return { ...model, ...SURROUNDING_VALUES, ...ADDED_VALUES }
}

function factorPageValues(page: string, template: string): Members {
  if (Object.hasOwn(PAGE_VALUES, page)) return PAGE_VALUES[page as keyof typeof PAGE_VALUES]
  if (template.endsWith('/offer.njk')) return FACTOR_PAGES.offer
  return template.endsWith('/enrol.njk') ? FACTOR_PAGES.enrol : FACTOR_PAGES.verify
}

function mailValues({
  needed,
  optional,
}: {
  needed: readonly string[]
  optional: readonly string[]
}): Members {
  const given = Object.fromEntries([...needed, ...optional].map((name) => [name, 'value' as const]))
  return { ...given, ...ADDED_MAIL_VALUES }
}

/** Whether a template is a mail that no part of this product sends: that of a factor which brings no pages. */
function isOwnMail(file: TemplateFile, files: TemplateFiles): boolean {
  const { name } = file
  return (
    /^mail\/[a-z0-9-]+\.njk$/.test(name) &&
    !Object.keys(MAIL_VALUES).some((mail) => name === `mail/${mail}.njk`) &&
    files.brought.includes(file) &&
    !files.all.some(({ references }) => references.some((each) => matches(each.name, name)))
  )
}

/** The values of all pages and mails; undefined: a factor's mail, whose values are not known, could include it. */
function everyValue(files: TemplateFiles, { factors }: CheckedViews): Members | undefined {
  if (factors.some(({ mails }) => mails.length > 0)) return undefined
  if (files.brought.some((file) => isOwnMail(file, files))) return undefined
  return together([
    ...Object.values(PAGE_VALUES),
    ...Object.values(FACTOR_PAGES),
    ...Object.values(MAIL_VALUES).map(mailValues),
    SURROUNDING_VALUES,
    ADDED_VALUES,
  ])
}

/**
 * The names that the templates around one may set: those that a page extends and includes, or all templates for a part
 * of several pages.
 */
function namesAround(
  file: TemplateFile,
  files: TemplateFiles,
  shared: boolean,
): ReadonlySet<string> {
  const around = shared ? files.all : chainOf(file, files)
  return new Set(around.filter((each) => each !== file).flatMap(({ bound }) => [...bound]))
}

function chainOf(file: TemplateFile, files: TemplateFiles): readonly TemplateFile[] {
  const chain = new Set([file])
  for (const each of chain)
    for (const { name } of each.references)
      for (const next of isAnything(name) ? files.all : files.find(name)) chain.add(next)
  return [...chain]
}

/** A template that nothing uses and whose name is nearly that of one that is used. */
function misspeltTemplate(
  { name, path }: TemplateFile,
  files: TemplateFiles,
  { folders, factors }: CheckedViews,
): readonly string[] {
  const ours = join(folders.at(-1) ?? '', name)
  const expected = [
    ...Object.values(TEMPLATES).map(({ template }) => template),
    ...Object.keys(MAIL_VALUES).map((mail) => `mail/${mail}.njk`),
    ...factors.flatMap(({ id, pages, mails }) => [
      `factors/${id}/icon.njk`,
      ...pages.map(({ template }) => template),
      ...mails.map((mail) => `mail/${mail}.njk`),
    ]),
  ]
  const isUsed = files.all.some(({ references }) =>
    references.some((reference) => matches(reference.name, name)),
  )
  if (isUsed || expected.includes(name) || existsSync(ours)) return []
  const others = files.names.filter((each) => each !== name)
  const near = nearest(name, [...expected, ...others])
  return near === undefined
    ? []
    : [`${path}: no page shows this template (did you mean "${near}"?)`]
}
