import { AsyncLocalStorage } from 'node:async_hooks'
import type { Context } from 'koa'

const PLAIN_PATH = /^(\/[^/\\?#\s]+)+$/

const mounts = new AsyncLocalStorage<string>()

/** Runs `deed`; during it, `presentMount` returns the path under which the application has mounted the provider. */
export function withinMount<T>(ctx: Context, deed: () => T): T {
  return mounts.run(mountOf(ctx), deed)
}

/** The path of the mount, without a slash at the end; empty: none, or asked outside a request. */
export function presentMount(): string {
  return mounts.getStore() ?? ''
}

/**
 * The mount path, found as the host does for its own addresses: Express removes it from `url`, and koa-mount sets
 * `mountPath`. With a mount by pattern it comes from the request, and a path that begins with `//` would lead to
 * another site.
 */
function mountOf(ctx: Context): string {
  const { originalUrl, baseUrl } = ctx.req as { originalUrl?: string; baseUrl?: string }
  const { mountPath } = ctx as { mountPath?: string }
  const before = originalUrl?.slice(0, Math.max(0, originalUrl.indexOf(ctx.request.url)))
  const mount = (before || mountPath || baseUrl || '').replace(/\/$/, '')
  return PLAIN_PATH.test(mount) ? mount : ''
}
