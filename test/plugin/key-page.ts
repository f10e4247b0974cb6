import type { Middleware } from 'koa'
import { readForm } from '../../src/http/body.ts'
import type { Mfa } from '../../src/index.ts'

/** The route `/interaction/UID/key` of an application's login page; it takes a credential that names its account. */
export function keyPage(mfa: Mfa, factorId: string): Middleware {
  return async (ctx, next) => {
    if (!/^\/interaction\/[^/]+\/key$/.test(ctx.path)) return next()
    try {
      if (ctx.method === 'GET') {
        ctx.body = await mfa.identification(ctx.req, ctx.res, factorId)
        return
      }
      const form = await readForm(ctx)
      const location = await mfa.identificationResult(ctx.req, ctx.res, factorId, form)
      if (location === undefined) {
        ctx.status = 422
        ctx.body = 'refused'
        return
      }
      ctx.status = 303
      ctx.set('Location', location)
    } catch (error) {
      const { code, name } = error as { code?: string; name: string }
      ctx.status = 500
      ctx.body = code ?? name
    }
  }
}
