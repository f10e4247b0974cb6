import { join } from 'node:path'
import { MfaError } from '../domain/errors.ts'
import { loadAssets, type Assets } from './assets.ts'
import { checkViews } from './check-views.ts'
import { isErrorPage } from './errors.ts'
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
  type Catalogues,
  type WantedLanguages,
} from './messages.ts'
import type { Render } from './pages.ts'
import { createRenderer, pageEnvironment, TEMPLATES, type RendererOptions } from './render.ts'
import { signInForms, type RenderSignInForm } from './sign-in-form.ts'
import { isFileName, type Theme } from './theme.ts'
import { builtInViews, templates, viewFolders, type TemplateMount } from './templates.ts'

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
  /** The look of the service. Default: ours. */
  readonly theme?: Theme
  /** The language for a person whose languages are all missing. Default `en`. */
  readonly locale?: string
  /** Single messages by locale and key, before those of any folder. */
  readonly messages?: Readonly<Record<string, Catalogue>>
  /** Is told of an error page of the application's that could not be shown. Default: nobody. */
  readonly report?: (error: unknown) => void
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
  /** The forms by which a login page offers factors. They have no page of their own. */
  readonly signInForm: RenderSignInForm
  /** Whether a factor has such a form. */
  hasSignInForm(factor: string): boolean
  readonly renderMail: RenderMail
  readonly assets: Assets
  /** The languages that have a catalogue. */
  readonly locales: readonly string[]
  localeFor(wanted: WantedLanguages): string
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
  const catalogues = cataloguesOf(folders, options.messages, factors)
  const assets = loadAssets(folders, {
    brought: factors.flatMap(({ files }) => [...files]),
    ...(options.assetBase === undefined ? {} : { base: options.assetBase }),
  })
  const locales = [...catalogues.keys()]
  const locale = options.locale ?? COMMON_LOCALE
  const { mountPath = () => '' } = options
  const asset = (name: string): string => mountPath() + assets.href(name)
  const theme = options.theme === undefined ? {} : { theme: options.theme }
  const sources = { folders, mounts: mountsOf(factors), catalogues, locale, factors }
  const environment = pageEnvironment({ ...sources, asset })
  checkViews({
    ...sources,
    messages: options.messages ?? {},
    given: [readCatalogues(builtInViews()), ...factors.map((factor) => factor.catalogues)],
    assets: assets.names,
    logo:
      options.theme?.logo !== undefined && isFileName(options.theme.logo)
        ? options.theme.logo
        : undefined,
    environments: {
      page: environment,
      mail: templates(sources, { autoescape: true }),
    },
  })
  const render = options.render ?? createRenderer({ ...sources, ...theme, asset })
  return {
    render: withOurErrorPages(render, { locale, asset, ...theme }, options.report),
    signInForm: signInForms({ ...sources, asset }, environment),
    hasSignInForm: (id) => factors.some((factor) => factor.id === id && factor.hasSignInForm),
    renderMail: createMailRenderer(sources),
    assets,
    locales,
    localeFor: (request) => pickLocale(wantedLocales(request), locales, locale),
  }
}

/**
 * Shows a page that explains an error with our own template and words where the application's fail: its frame may be
 * the fault that is to be explained. Every other page fails, and the error page explains it.
 */
function withOurErrorPages(
  render: Render,
  own: Pick<RendererOptions, 'asset' | 'locale' | 'theme'>,
  report: (error: unknown) => void = () => undefined,
): Render {
  let ours: Render | undefined
  const guarded: Render = async (page, model, surroundings) => {
    try {
      return await render(page, model, surroundings)
    } catch (error) {
      report(error)
      const folders = [builtInViews()]
      const catalogues = loadCatalogues(folders)
      ours ??= createRenderer({ ...own, folders, catalogues, mounts: [], factors: [] })
      return ours(page, model, surroundings)
    }
  }
  return (page, model, surroundings) =>
    (isErrorPage(String(page)) ? guarded : render)(page, model, surroundings)
}

/** Throws MfaError `views-invalid` for a file of the application that is no catalogue. */
function cataloguesOf(
  folders: readonly string[],
  messages: ViewsOptions['messages'],
  factors: readonly FactorViews[],
): Catalogues {
  try {
    return loadCatalogues(
      folders,
      messages,
      factors.map((factor) => factor.catalogues),
    )
  } catch (error) {
    const fault = error instanceof Error ? error.message : String(error)
    throw new MfaError('views-invalid', `createMfa:\n- ${fault}`, { cause: error })
  }
}

function mountsOf(factors: readonly FactorViews[]): readonly TemplateMount[] {
  return factors.flatMap(({ id, folder, mails }) => {
    if (folder === undefined) return []
    const pages = { prefix: `factors/${id}/`, folder }
    return mails.length === 0 ? [pages] : [pages, { prefix: 'mail/', folder: join(folder, 'mail') }]
  })
}
