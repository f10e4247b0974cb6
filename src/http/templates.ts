import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import nunjucks from 'nunjucks'
import type { Catalogues } from './messages.ts'

/** What the renderers work on. */
export interface Sources {
  /** Searched in this order; ours is the last one. */
  readonly folders: readonly string[]
  readonly catalogues: Catalogues
  readonly locale: string
}

export function viewFolders(own: string | readonly string[] = []): readonly string[] {
  const folders = typeof own === 'string' ? [own] : own
  for (const folder of folders)
    if (!existsSync(folder)) throw new Error(`There is no views folder ${folder}`)
  return [...folders, builtInViews()]
}

/**
 * The views folder of this package, from the source tree (src/http) and from what is published (dist/src/http)
 * alike: the nearest one upwards, no further than the package reaches.
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
 * Templates of the folders, each compiled once. `default/...` names ours whatever the application has put in its
 * place, so that its own template can extend the one that it replaces.
 *
 * An undefined value in a template is an error: a page that lacks what it should say must not be sent.
 */
export function templates(
  folders: readonly string[],
  options: { autoescape: boolean },
): nunjucks.Environment {
  const builtIn = new nunjucks.FileSystemLoader([folders.at(-1) ?? builtInViews()])
  const prefixed: nunjucks.ILoader = {
    getSource: (name) =>
      // Nunjucks asks the next loader when this one answers nothing; its types do not say so.
      (name.startsWith('default/')
        ? builtIn.getSource(name.slice('default/'.length))
        : null) as nunjucks.LoaderSource,
  }
  return new nunjucks.Environment([prefixed, new nunjucks.FileSystemLoader([...folders])], {
    autoescape: options.autoescape,
    throwOnUndefined: true,
    trimBlocks: true,
    lstripBlocks: true,
  })
}
