import type { EventEmitter } from 'node:events'
import type { Context } from 'koa'
import type { MfaError } from '../../domain/errors.ts'
import { answerError } from '../../http/errors.ts'
import type { Record } from './audit.ts'
import { oidcIn } from '../../host/context.ts'
import { harmlessText } from './describe-error.ts'
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

/**
 * Logs the host's errors and refusals, since the host answers such requests by itself. Records every sign-out of which
 * an app could not be told: the app goes on with a session that the person believes to have ended.
 */
export function reportHost(host: EventEmitter, log: Logger, record: Record): void {
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
    host.on(event, (ctx: Context, error: HostRefusal) => logRefusal(log, event, ctx, error))

  const notTold = signOutNotDelivered(log, record)
  host.on('backchannel.error', (...[ctx, error, { clientId }, accountId]: NotDelivered) => {
    void notTold({ accountId, clientId }, error, requestIdOf(ctx))
  })
}

/** Records that an app could not be told of the end of a session. It never throws: the session has ended. */
export function signOutNotDelivered(log: Logger, record: Record) {
  return async (
    { accountId, clientId }: { readonly accountId: string; readonly clientId: string },
    error: unknown,
    requestId = '',
  ): Promise<void> => {
    log.warn({ requestId, clientId, error }, 'not told of a sign-out')
    const detail = { clientId, reason: hasAnswered(error) ? 'refused' : 'unreachable' }
    await record('sign-out-not-delivered', { accountId, detail }).catch((fault: unknown) => {
      log.error({ requestId, error: fault })
    })
  }
}

interface HostRefusal {
  readonly error?: string
  readonly error_description?: string
  /** The part that the host keeps out of its answer. */
  readonly error_detail?: string
}

/** The client is named once the host knows that there is one: no text that a stranger chose is its name. */
function logRefusal(log: Logger, event: string, ctx: Context, refusal: HostRefusal): void {
  const { error: code, error_description: description, error_detail: detail } = refusal
  const clientId = oidcIn(ctx)?.client?.clientId
  log.info({
    requestId: requestIdOf(ctx),
    event,
    code,
    ...(description === undefined ? {} : { description: harmlessText(description) }),
    ...(detail === undefined ? {} : { detail: harmlessText(detail) }),
    ...(clientId === undefined ? {} : { clientId }),
  })
}

type NotDelivered = [ctx: Context, error: unknown, client: { clientId: string }, accountId: string]

/** Whether the app has answered with another status than 200 or 204: the host then keeps the answer with the error. */
function hasAnswered(error: unknown): boolean {
  return (error as { response?: unknown } | undefined)?.response !== undefined
}

/** The cause, which the page does not say: a proxy that changes a header refuses everybody's forms. */
export function logRefusedForm(log: Logger, ctx: Context, { code, message }: MfaError): void {
  log.warn({ requestId: requestIdOf(ctx), code, cause: message }, 'a form was refused')
}
