import { pino, type Logger } from 'pino'
import type { Context, Next } from 'koa'
import type { Random } from '../../ports/services.ts'
import { logStream } from './log-stream.ts'
import { pathToLog } from './path-to-log.ts'

export type { Logger } from 'pino'

/**
 * A logger that writes structured lines to standard output. No line holds a body, a query, a cookie or a token (R31).
 */
export function openLog(level: string): Logger {
  const log: Logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: describeError },
    },
    logStream(process.stdout, (lines) =>
      log.warn({ lines }, 'lines of the log were dropped: nobody read standard output'),
    ),
  )
  return log
}

/** The parts of an error that an operator needs. Causes are named but not printed: a driver may quote its input. */
function describeError(error: unknown): object {
  if (!(error instanceof Error)) return { name: typeof error }
  const { code, error: oauth } = error as { code?: unknown; error?: unknown }
  return {
    name: error.name,
    ...(typeof code === 'string' ? { code } : {}),
    ...(typeof oauth === 'string' ? { error: oauth } : {}),
    message: error.message,
    stack: error.stack,
    ...(error.cause === undefined ? {} : { cause: causeOf(error.cause) }),
  }
}

function causeOf(cause: unknown): object {
  const { name, code } = Object(cause) as { name?: unknown; code?: unknown }
  return {
    ...(typeof name === 'string' ? { name } : {}),
    ...(typeof code === 'string' ? { code } : {}),
  }
}

/**
 * Logs one line for each request, with an id that error pages show. A line has only the path: a query may hold a code
 * or a hint.
 */
export function accessLog(log: Logger, random: Random) {
  return async (ctx: Context, next: Next): Promise<void> => {
    const begun = process.hrtime.bigint()
    const requestId = Buffer.from(random.bytes(9)).toString('base64url')
    ctx.state['requestId'] = requestId
    ctx.set('X-Request-Id', requestId)
    ctx.res.once('close', () => {
      log.info({
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
