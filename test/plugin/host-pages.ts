import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Middleware } from 'koa'
import type { Provider } from 'oidc-provider'
import { readForm } from '../../src/http/body.ts'

export const PASSWORD = 'correct horse battery staple'

/** The login page's action after a right password. */
export type Answer = (
  request: IncomingMessage,
  response: ServerResponse,
  accountId: string,
) => Promise<void>

/**
 * The pages of the application: login, consent and its other prompts. The application is as careless as one may be: it
 * always answers a right password with a login, for every prompt of the interaction.
 */
export function hostPages(provider: Provider, answer: Answer): Middleware {
  return async (ctx, next) => {
    if (!/^\/interaction\/[^/]+$/.test(ctx.path)) return next()
    if (ctx.method === 'GET') return show(provider, ctx)
    const form = await readForm(ctx)
    ctx.respond = false
    try {
      if (form.prompt !== undefined)
        await finish(provider, ctx.req, ctx.res, form.refuse !== undefined)
      else if (form.password === PASSWORD) await answer(ctx.req, ctx.res, form.username ?? '')
      else ctx.res.writeHead(401).end()
    } catch (error) {
      const { code, name } = error as { code?: string; name: string }
      ctx.res.writeHead(500).end(code ?? name)
    }
  }
}

async function show(provider: Provider, ctx: Parameters<Middleware>[0]): Promise<void> {
  const { prompt, uid } = await provider.interactionDetails(ctx.req, ctx.res)
  const fields =
    prompt.name === 'login'
      ? '<input name="username"><input name="password" type="password">'
      : `<input type="hidden" name="prompt" value="${prompt.name}">`
  ctx.type = 'html'
  ctx.body =
    `<body data-page="host-${prompt.name}" data-reasons="${prompt.reasons.join(' ')}" data-uid="${uid}">` +
    `<form method="post">${fields}<button>Go on</button></form></body>`
}

/** Completes the consent prompt or a prompt of the application. One button grants the request. */
async function finish(
  provider: Provider,
  request: IncomingMessage,
  response: ServerResponse,
  refused: boolean,
): Promise<void> {
  const { prompt, session, params, grantId } = await provider.interactionDetails(request, response)
  if (refused) return provider.interactionFinished(request, response, { error: 'access_denied' })
  if (prompt.name !== 'consent')
    return provider.interactionFinished(request, response, { [prompt.name]: {} })
  const known = grantId === undefined ? undefined : await provider.Grant.find(grantId)
  const grant =
    known ??
    new provider.Grant({ accountId: session!.accountId, clientId: String(params.client_id) })
  grant.addOIDCScope(String(params.scope))
  await provider.interactionFinished(request, response, {
    consent: { grantId: await grant.save() },
  })
}
