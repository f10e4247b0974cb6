import { loadAssets, type Assets } from './assets.ts'
import { createMailRenderer, type RenderMail } from './mail.ts'
import { loadCatalogues, pickLocale, wantedLocales, type Catalogue } from './messages.ts'
import type { Render } from './pages.ts'
import { createRenderer } from './render.ts'
import { viewFolders } from './templates.ts'

export interface ViewsOptions {
  /**
   * Folders of the application's own (and of factors of other makers), searched before ours, the first one
   * first: templates, messages/<locale>.json, style sheets, scripts and pictures.
   */
  readonly views?: string | readonly string[]
  /** The language where nothing that a person reads is there. Default `en`. */
  readonly locale?: string
  /** Single messages by locale and key, before those of any folder. */
  readonly messages?: Readonly<Record<string, Catalogue>>
  /** Under which path the style sheet, the script and pictures are served. Default `/assets`. */
  readonly assetBase?: string
  /**
   * The path under which the application serves them to a browser, asked when a page is shown: a provider is
   * mounted after its views were read. Default: none.
   */
  readonly mountPath?: () => string
}

/** All that shows: pages, mails, and the files that pages refer to. */
export interface Views {
  readonly render: Render
  readonly renderMail: RenderMail
  readonly assets: Assets
  /** The languages there are. */
  readonly locales: readonly string[]
  localeFor(request: {
    uiLocales?: string | undefined
    acceptLanguage?: string | undefined
  }): string
}

/** Reads everything once; a template that does not compile is an error here and not in front of a person. */
export function createViews(options: ViewsOptions = {}): Views {
  const folders = viewFolders(options.views)
  const locale = options.locale ?? 'en'
  const catalogues = loadCatalogues(folders, options.messages)
  const assets = loadAssets(
    folders,
    options.assetBase === undefined ? {} : { base: options.assetBase },
  )
  const locales = [...catalogues.keys()]
  const { mountPath = () => '' } = options
  const asset = (name: string): string => mountPath() + assets.href(name)
  return {
    render: createRenderer({ folders, catalogues, locale, asset }),
    renderMail: createMailRenderer({ folders, catalogues, locale }),
    assets,
    locales,
    localeFor: (request) => pickLocale(wantedLocales(request), locales, locale),
  }
}
