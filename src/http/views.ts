import { join } from 'node:path'
import { loadAssets, type Assets } from './assets.ts'
import {
  COMMON_LOCALE,
  mailsIn,
  readFactorViews,
  type FactorViews,
  type ShownFactor,
} from './factor-views.ts'
import { createMailRenderer, type RenderMail } from './mail.ts'
import {
  loadCatalogues,
  pickLocale,
  readCatalogues,
  wantedLocales,
  type Catalogue,
} from './messages.ts'
import type { Render } from './pages.ts'
import { createRenderer, TEMPLATES } from './render.ts'
import { builtInViews, viewFolders, type TemplateMount } from './templates.ts'

export interface ViewsOptions {
  /**
   * Folders of the application's own, searched before those of factors and before ours, the first one first:
   * templates, messages/<locale>.json, style sheets, scripts and pictures.
   */
  readonly views?: string | readonly string[]
  /** The factors that have pages. Default: none. */
  readonly factors?: readonly ShownFactor[]
  /** Takes the place of the templates of pages: factors then need none. */
  readonly render?: Render
  /** The language for a person whose languages are all missing. Default `en`. */
  readonly locale?: string
  /** Single messages by locale and key, before those of any folder. */
  readonly messages?: Readonly<Record<string, Catalogue>>
  /** Under which path the style sheet, the script and pictures are served. Default `/assets`. */
  readonly assetBase?: string
  /**
   * The path under which the application serves them to a browser, called when a page is shown, because a provider is
   * mounted after its views were read. Default: none.
   */
  readonly mountPath?: () => string
}

/** Pages, mails, and the files that pages refer to. */
export interface Views {
  readonly render: Render
  readonly renderMail: RenderMail
  readonly assets: Assets
  /** The languages that have a catalogue. */
  readonly locales: readonly string[]
  localeFor(request: {
    uiLocales?: string | undefined
    acceptLanguage?: string | undefined
  }): string
}

/**
 * Reads all files once, so that a template that does not compile is an error at the start. Throws MfaError
 * `options-invalid` for a fault in the pages of a factor.
 */
export function createViews(options: ViewsOptions = {}): Views {
  const folders = viewFolders(options.views)
  const factors = readFactorViews(options.factors ?? [], {
    pages: Object.keys(TEMPLATES),
    mails: mailsIn(builtInViews()),
    words: readCatalogues(builtInViews()).get(COMMON_LOCALE) ?? {},
  })
  const catalogues = loadCatalogues(
    folders,
    options.messages,
    factors.map((factor) => factor.catalogues),
  )
  const assets = loadAssets(folders, {
    brought: factors.flatMap(({ files }) => [...files]),
    ...(options.assetBase === undefined ? {} : { base: options.assetBase }),
  })
  const locales = [...catalogues.keys()]
  const locale = options.locale ?? COMMON_LOCALE
  const { mountPath = () => '' } = options
  const asset = (name: string): string => mountPath() + assets.href(name)
  const sources = { folders, mounts: mountsOf(factors), catalogues, locale, factors }
  return {
    render: options.render ?? createRenderer({ ...sources, asset }),
    renderMail: createMailRenderer(sources),
    assets,
    locales,
    localeFor: (request) => pickLocale(wantedLocales(request), locales, locale),
  }
}

function mountsOf(factors: readonly FactorViews[]): readonly TemplateMount[] {
  return factors.flatMap(({ id, folder, mails }) => {
    if (folder === undefined) return []
    const pages = { prefix: `factors/${id}/`, folder }
    return mails.length === 0 ? [pages] : [pages, { prefix: 'mail/', folder: join(folder, 'mail') }]
  })
}
