import type { EventEmitter } from 'node:events'
import type { Context } from 'koa'
import type { MfaError } from '../../domain/errors.ts'
import { answerError } from '../../http/errors.ts'
import { requestIdOf, type Logger } from './log.ts'

/** Requests that the host refused, by the code of OAuth; the fault is the sender's. */
const REFUSALS = [
  'authorization.error',
  'grant.error',
  'userinfo.error',
  'introspection.error',
  'revocation.error',
  'end_session.error',
  'pushed_authorization_request.error',
]

/** Logs the host's errors and refusals, since the host answers such requests by itself. */
export function reportHost(host: EventEmitter, log: Logger): void {
  host.on('error', (error: unknown, ctx?: Context) => {
    log.error({ requestId: ctx === undefined ? '' : requestIdOf(ctx), error })
  })

  host.on('server_error', (ctx: Context, error: unknown) => {
    log.error({ requestId: requestIdOf(ctx), error })
    // The host answers programs with 500 for every fault. They should try again when the storage is back (R32).
    const { status, headers } = answerError(error, { requestId: '' })
    if (status !== 503) return
    ctx.status = status
    ctx.set({ ...headers })
  })

  // The plugin reports the refused forms of its own pages here. The server's pages call logRefusedForm themselves.
  host.on('mfa.form_refused', (ctx: Context, error: MfaError) => {
    logRefusedForm(log, ctx, error)
  })

  for (const event of REFUSALS)
    host.on(event, (ctx: Context, error: { error?: string }) => {
      log.info({ requestId: requestIdOf(ctx), event, code: error.error })
    })

  host.on('backchannel.error', (ctx: Context, error: unknown, client: { clientId: string }) => {
    const { clientId } = client
    log.warn({ requestId: requestIdOf(ctx), clientId, error }, 'not told of a sign-out')
  })
}

/** The cause, which the page does not say: a proxy that changes a header refuses everybody's forms. */
export function logRefusedForm(log: Logger, ctx: Context, { code, message }: MfaError): void {
  log.warn({ requestId: requestIdOf(ctx), code, cause: message }, 'a form was refused')
}
