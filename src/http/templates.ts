import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
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
  const ours = new nunjucks.FileSystemLoader([folders.at(-1) ?? builtInViews()])
  const factors = mounts.map(({ prefix, folder }) => {
    return below(prefix, new nunjucks.FileSystemLoader([folder]))
  })
  const defaults = [...factors, ours].map((loader) => below('default/', loader))
  const own = new nunjucks.FileSystemLoader(folders.slice(0, -1))
  return new nunjucks.Environment([...defaults, own, ...factors, ours], {
    autoescape: options.autoescape,
    throwOnUndefined: true,
    trimBlocks: true,
    lstripBlocks: true,
  })
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
