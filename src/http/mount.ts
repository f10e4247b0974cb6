import { AsyncLocalStorage } from 'node:async_hooks'
import type { Context } from 'koa'

const PLAIN_PATH = /^(\/[^/\\?#\s]+)+$/

const mounts = new AsyncLocalStorage<string>()

/** Lets `presentMount` know, in all that a request does, where the application has mounted what serves it. */
export function withinMount<T>(ctx: Context, deed: () => T): T {
  return mounts.run(mountOf(ctx), deed)
}

/** The path of the mount, without a slash at the end; empty: none, or asked outside a request. */
export function presentMount(): string {
  return mounts.getStore() ?? ''
}

/**
 * As the host finds it for its own addresses: what Express has left out of `url`, or koa-mount has named. A mount
 * by pattern takes it from the request, where `//` before a name would be another site.
 */
function mountOf(ctx: Context): string {
  const { originalUrl, baseUrl } = ctx.req as { originalUrl?: string; baseUrl?: string }
  const { mountPath } = ctx as { mountPath?: string }
  const before = originalUrl?.slice(0, Math.max(0, originalUrl.indexOf(ctx.request.url)))
  const mount = (before || mountPath || baseUrl || '').replace(/\/$/, '')
  return PLAIN_PATH.test(mount) ? mount : ''
}
