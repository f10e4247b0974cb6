import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { compileFunction } from 'node:vm'
import nunjucks from 'nunjucks'
import { MfaError } from '../domain/errors.ts'
import type { Catalogues } from './messages.ts'

/** The templates and messages that pages and mails are made from. */
export interface Sources {
  /** Searched in this order; ours is the last one. */
  readonly folders: readonly string[]
  /** Folders of factors, searched after the application's and before ours. */
  readonly mounts: readonly TemplateMount[]
  readonly catalogues: Catalogues
  readonly locale: string
}

/** A folder whose templates are named with this before their path: `factors/totp/`. */
export interface TemplateMount {
  readonly prefix: string
  readonly folder: string
}

export function viewFolders(own: string | readonly string[] = []): readonly string[] {
  const folders = typeof own === 'string' ? [own] : own
  for (const folder of folders)
    if (!existsSync(folder))
      throw new MfaError('views-invalid', `createMfa:\n- views: there is no views folder ${folder}`)
  return [...folders, builtInViews()]
}

/**
 * The views folder of this package, from the source tree (src/http) and from the published files (dist/src/http)
 * alike: the nearest one upwards, within this package.
 */
export function builtInViews(from: string = fileURLToPath(import.meta.url)): string {
  for (let folder = dirname(from); ; folder = dirname(folder)) {
    const views = join(folder, 'views')
    if (existsSync(join(views, 'messages', 'en.json'))) return views
    if (existsSync(join(folder, 'package.json')) || folder === dirname(folder))
      throw new Error(`The views folder of oidc-provider-mfa is missing near ${from}`)
  }
}

/** How every template is compiled, whichever environment has it. */
const COMPILED = { throwOnUndefined: true, trimBlocks: true, lstripBlocks: true } as const

/**
 * Templates of the folders, each compiled once. `default/...` names our template, or the factor's, also if the
 * application has replaced it, so that the application's template can extend the one that it replaces.
 *
 * An undefined value in a template is an error: a page with a missing value must not be sent.
 */
export function templates(
  { folders, mounts }: Pick<Sources, 'folders' | 'mounts'>,
  options: { autoescape: boolean },
): nunjucks.Environment {
  const ours = new CompilingLoader([folders.at(-1) ?? builtInViews()])
  const factors = mounts.map(({ prefix, folder }) => below(prefix, new CompilingLoader([folder])))
  const defaults = [...factors, ours].map((loader) => below('default/', loader))
  const own = new CompilingLoader(folders.slice(0, -1))
  return new nunjucks.Environment([...defaults, own, ...factors, ours], {
    autoescape: options.autoescape,
    ...COMPILED,
  })
}

/** The functions of a compiled template, by path, and the text that they were made from. */
const compiled = new Map<string, { readonly text: string; readonly functions: object }>()

/**
 * Gives out templates that are compiled. One process compiles each text once: the functions do not depend on the
 * environment, which they are given with its filters, its globals and `autoescape` when a page is shown. Compiling is
 * most of the work of `createMfa`, and an application may call that more than once.
 */
class CompilingLoader extends nunjucks.FileSystemLoader {
  override getSource(name: string): nunjucks.LoaderSource {
    // It answers null for a template that it does not have; its types do not say so.
    const source = super.getSource(name) as nunjucks.LoaderSource | null
    const functions = source === null ? undefined : functionsOf(source)
    if (functions === undefined) return source as nunjucks.LoaderSource
    // Nunjucks' own loader of precompiled templates gives out the same object.
    return { ...source, src: { type: 'code', obj: functions } } as unknown as nunjucks.LoaderSource
  }
}

/** Undefined for a template that does not compile. Nunjucks then compiles it again and says what is wrong, and where. */
function functionsOf({ path, src }: nunjucks.LoaderSource): object | undefined {
  const known = compiled.get(path)
  if (known?.text === src) return known.functions
  try {
    // Nunjucks writes into the options that it is given.
    const env = new nunjucks.Environment([], { ...COMPILED })
    const wrapper = ([{ template }]: readonly [{ template: string }]): string => template
    const code = nunjucks.precompileString(src, { name: path, env, wrapper } as object)
    const functions = (compileFunction(code) as () => object)()
    compiled.set(path, { text: src, functions })
    return functions
  } catch {
    return undefined
  }
}

/** Wraps a loader so that the names of its templates begin with a prefix. */
function below(prefix: string, loader: nunjucks.ILoader): nunjucks.ILoader {
  return {
    getSource: (name) =>
      // Nunjucks asks the next loader when this one answers nothing; its types do not say so.
      (name.startsWith(prefix)
        ? loader.getSource(name.slice(prefix.length))
        : null) as nunjucks.LoaderSource,
  }
}
