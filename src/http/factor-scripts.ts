import { besideOf, scriptOf, styleOf, type FactorViews } from './factor-views.ts'
import type { Surroundings } from './pages.ts'

/** Where a factor's own script and style sheet are; empty: there is none. */
export function factorFiles(
  factor: FactorViews | undefined,
  asset: (name: string) => string,
): { readonly factorScript: string; readonly factorStyle: string } {
  const href = (name: string) => (factor?.files.has(name) === true ? asset(name) : '')
  return {
    factorScript: href(scriptOf(factor?.id ?? '')),
    factorStyle: href(styleOf(factor?.id ?? '')),
  }
}

/** A script of a factor on a page that is not the factor's, as the frame of the page gets it. */
interface BesideScript {
  readonly href: string
  readonly offer: boolean
  /** JSON; empty: there is none. */
  readonly data: string
}

/** The scripts of the factors that are beside a page. A factor without one is left out. */
export function besideScripts(
  {
    factors,
    asset,
  }: { readonly factors: readonly FactorViews[]; readonly asset: (name: string) => string },
  beside: Surroundings['beside'] = [],
): readonly BesideScript[] {
  return beside.flatMap(({ factor, offer = false, data }) => {
    const name = besideOf(factor)
    const isThere = factors.some(({ files }) => files.has(name))
    if (!isThere) return []
    return [{ href: asset(name), offer, data: data === undefined ? '' : JSON.stringify(data) }]
  })
}
