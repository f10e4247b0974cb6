import type Router from '@koa/router'
import type { Assets } from '../../http/assets.ts'

/** Icons at the addresses at which browsers look for them without a link: for bookmarks, and for answers without HTML. */
const ICONS = ['favicon.ico', 'apple-touch-icon.png'] as const

const DAY_SECONDS = 86_400

/** Adds the icons at the root of the issuer. A file of that name in a views folder of one's own replaces ours. */
export function addIcons(router: Router, assets: Assets): void {
  for (const name of ICONS)
    router.get(`/${name}`, (ctx) => {
      const icon = assets.get(assets.href(name))
      if (icon === undefined) return
      ctx.set({ ...icon.headers, 'Cache-Control': `public, max-age=${DAY_SECONDS}` })
      ctx.type = icon.type
      ctx.body = icon.bytes
    })
}
