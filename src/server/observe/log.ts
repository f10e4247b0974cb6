import { createRequire } from 'node:module'
import { hostname } from 'node:os'
import type { Writable } from 'node:stream'
import { pino, type Logger } from 'pino'
import type { Context, Next } from 'koa'
import type { Random } from '../../ports/services.ts'
import { describeError } from './describe-error.ts'
import { logStream } from './log-stream.ts'
import { pathToLog } from './path-to-log.ts'

export type { Logger } from 'pino'

/** The file is found by the package's own name, because built code has another relative path to it than the source. */
export const { version: packageVersion } = createRequire(import.meta.url)(
  'oidc-provider-mfa/package.json',
) as { readonly version: string }

/** The id that a proxy gives a request, if it is short and plain: it is in a header of the answer and on pages. */
const REQUEST_ID = /^[\w.-]{1,128}$/
/** A load balancer asks these paths some times a second. */
const HEALTH = /^\/health\/(?:live|ready)$/

/**
 * A logger that writes lines of JSON to standard output, each with `level`, `time`, `version` and `node`. No line holds a
 * body, a query, a cookie or a token (R31). `node`: the name of this node.
 */
export function openLog(
  level: string,
  node: string = hostname(),
  out: Writable = process.stdout,
): Logger {
  const log: Logger = pino(
    {
      level,
      base: { version: packageVersion, node },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: describeError },
    },
    logStream(out, (lines) =>
      log.warn({ lines }, 'lines of the log were dropped: nobody read standard output'),
    ),
  )
  return log
}

/**
 * Gives each request an id, which its lines, its answer and error pages have: the id of a trusted proxy, or an own one.
 * Logs one line for each request at `debug`, and none for a health check. A line has only the path: a query may hold a
 * code or a hint.
 */
export function accessLog(log: Logger, random: Random) {
  return async (ctx: Context, next: Next): Promise<void> => {
    const begun = process.hrtime.bigint()
    // Only the header of a trusted proxy is left: `addressNormaliser` removes that of any other sender.
    const given = ctx.get('X-Request-Id')
    const requestId = REQUEST_ID.test(given)
      ? given
      : Buffer.from(random.bytes(9)).toString('base64url')
    ctx.state['requestId'] = requestId
    ctx.set('X-Request-Id', requestId)
    ctx.res.once('close', () => {
      if (HEALTH.test(ctx.path)) return
      log.debug({
        requestId,
        method: ctx.method,
        path: pathToLog(ctx.path),
        status: ctx.res.statusCode,
        milliseconds: Number((process.hrtime.bigint() - begun) / 1_000_000n),
        ip: ctx.ip,
        // A client that left before the answer was sent is logged as such.
        ...(ctx.res.writableFinished ? {} : { aborted: true }),
      })
    })
    await next()
  }
}

export function requestIdOf(ctx: { readonly state: object }): string {
  const { requestId } = ctx.state as { requestId?: unknown }
  return typeof requestId === 'string' ? requestId : ''
}
