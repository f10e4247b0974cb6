import { MfaError, type ErrorCode } from '../domain/errors.ts'
import { isPermanentFault } from '../domain/permanent-fault.ts'
import type { PageModels } from './pages.ts'

/** The pages that explain an error. */
export type ErrorPage =
  'answered' | 'busy' | 'error' | 'expired' | 'forbidden' | 'not-found' | 'unavailable'

/** The response to an error. Holds only the public part of the error (R31, R32). */
export type ErrorAnswer = {
  [P in ErrorPage]: {
    readonly status: number
    readonly page: P
    readonly model: PageModels[P]
    readonly headers: Readonly<Record<string, string>>
    /** Whether it is reported to the operator: a fault of this product or of the storage, not of the sender. */
    readonly fault: boolean
  }
}[ErrorPage]

export interface ErrorContext {
  /** Shown on the error page and in the log, so that a person's report finds its log line. */
  readonly requestId: string
  /** The address that leads back to the app, if it is known. */
  readonly wayBack?: string
  /** The page that the sender opens for another try, if there is one. */
  readonly retryHref?: string
  /** A page was asked for that the person has answered already: nothing is wrong. */
  readonly answered?: boolean
}

/** Status, page and, for a wait, seconds. Only these rules decide them; the thrown error does not. */
type Rule =
  | { readonly page: 'error'; readonly status: number; readonly close?: true }
  | { readonly page: 'expired' | 'forbidden' | 'not-found' }
  | { readonly page: 'busy' | 'unavailable'; readonly retryAfterSeconds: number }

const RULES: Readonly<Record<ErrorCode, Rule>> = {
  'options-invalid': { page: 'error', status: 500 },
  'views-invalid': { page: 'error', status: 500 },
  'configuration-not-composable': { page: 'error', status: 500 },
  'host-unfit': { page: 'error', status: 500 },
  'not-configured': { page: 'error', status: 500 },
  'not-attached': { page: 'error', status: 500 },
  'cookie-keys-differ': { page: 'error', status: 500 },
  'login-not-sealed': { page: 'error', status: 500 },
  'wrong-prompt': { page: 'expired' },
  'interaction-expired': { page: 'expired' },
  'form-forged': { page: 'forbidden' },
  'form-unreadable': { page: 'error', status: 400 },
  'body-already-read': { page: 'error', status: 500 },
  // The rest of the body is unread: the connection cannot be used for another request.
  'form-too-large': { page: 'error', status: 413, close: true },
  'form-type': { page: 'error', status: 415, close: true },
  'record-unreadable': { page: 'error', status: 500 },
  'record-contended': { page: 'unavailable', retryAfterSeconds: 1 },
  'handle-taken': { page: 'error', status: 409 },
  'key-missing': { page: 'error', status: 500 },
  'seal-broken': { page: 'error', status: 500 },
  'storage-unavailable': { page: 'unavailable', retryAfterSeconds: 5 },
  'storage-refused': { page: 'error', status: 500 },
  'schema-outdated': { page: 'unavailable', retryAfterSeconds: 30 },
  'schema-too-old': { page: 'unavailable', retryAfterSeconds: 30 },
  'schema-newer': { page: 'unavailable', retryAfterSeconds: 30 },
  'schema-foreign': { page: 'unavailable', retryAfterSeconds: 30 },
  'too-many-attempts': { page: 'busy', retryAfterSeconds: 1 },
  'hashing-overloaded': { page: 'unavailable', retryAfterSeconds: 1 },
  'account-unknown': { page: 'not-found' },
  'fields-protected': { page: 'error', status: 500 },
  'mail-failed': { page: 'unavailable', retryAfterSeconds: 30 },
}

const STATUS = {
  answered: 200,
  busy: 429,
  expired: 410,
  forbidden: 403,
  'not-found': 404,
  unavailable: 503,
} as const

/** Whether a page explains an error. Such a page must not fail: nothing would explain its own error. */
export function isErrorPage(page: string): page is ErrorPage {
  return page === 'error' || Object.hasOwn(STATUS, page)
}

/**
 * Maps a thrown value to the response. The response to an unknown error holds only the request's id, not the message
 * and not the stack. An unavailable storage is a 503 with `Retry-After`; it never leads to a guess or a session. A
 * storage that refuses the operation each time is a 500: nobody is told to try again in vain.
 */
export function answerError(error: unknown, context: ErrorContext): ErrorAnswer {
  if (error instanceof MfaError) return answerOf(RULES[error.code], context)
  if (isPermanentFault(error)) return answerOf(RULES['storage-refused'], context)
  if (isStorageFault(error)) return answerOf(RULES['storage-unavailable'], context)
  if (!(error instanceof Error)) return answerOf({ page: 'error', status: 500 }, context)
  // The host throws this for a missing, consumed or expired interaction.
  if (error.name === 'SessionNotFound') return answerOf({ page: 'expired' }, context)
  return answerPublic(error, context)
}

/** Errors of the host (`error`, `error_description`) and of Koa (`status`, `expose`) that are meant for the sender. */
function answerPublic(error: Error, context: ErrorContext): ErrorAnswer {
  const { status, expose, error: code, error_description: description } = error as PublicError
  if (typeof status !== 'number' || status < 400 || status > 499 || expose !== true)
    return answerOf({ page: 'error', status: 500 }, context)
  if (typeof code === 'string')
    return answerOf({ page: 'error', status }, context, {
      error: code,
      ...(typeof description === 'string' ? { description } : {}),
    })
  if (status === 403) return answerOf({ page: 'forbidden' }, context)
  if (status === 404 || status === 405) return answerOf({ page: 'not-found' }, context)
  return answerOf({ page: 'error', status }, context)
}

/** Whether a form was refused before any of it counted. Its sender learns no more than the page; the operator does. */
export function isRefusedForm(error: unknown): error is MfaError {
  return error instanceof MfaError && error.code.startsWith('form-')
}

interface PublicError extends Error {
  readonly status?: unknown
  readonly expose?: unknown
  readonly error?: unknown
  readonly error_description?: unknown
}

function answerOf(
  rule: Rule,
  context: ErrorContext,
  detail?: { error: string; description?: string },
): ErrorAnswer {
  const { wayBack: href, retryHref } = context
  const back = href === undefined ? {} : { href }
  const retry = retryHref === undefined ? {} : { retryHref }
  const plain = { headers: {}, fault: false }
  switch (rule.page) {
    case 'busy':
    case 'unavailable': {
      const { page, retryAfterSeconds } = rule
      return {
        status: STATUS[page],
        page,
        model: { retryAfterSeconds, ...retry },
        headers: { 'Retry-After': String(retryAfterSeconds) },
        fault: page === 'unavailable',
      }
    }
    case 'expired': {
      const page = context.answered === true ? 'answered' : 'expired'
      return { ...plain, status: STATUS[page], page, model: back }
    }
    case 'forbidden':
      return { ...plain, status: STATUS.forbidden, page: 'forbidden', model: retry }
    case 'not-found':
      return { ...plain, status: STATUS['not-found'], page: 'not-found', model: {} }
    case 'error':
      return {
        status: rule.status,
        page: 'error',
        model: {
          requestId: context.requestId,
          ...(detail === undefined ? {} : { detail }),
          ...back,
          // A page that the app asked for wrongly, or that is our fault, is the same at a second try.
          ...(isOfSender(rule.status) && detail === undefined ? retry : {}),
        },
        headers: rule.close === true ? { Connection: 'close' } : {},
        fault: rule.status >= 500,
      }
  }
}

function isOfSender(status: number): boolean {
  return status < 500
}

/**
 * The number of nested causes that are examined: a driver wraps its errors, and a cycle of causes must not loop for
 * ever.
 */
const CAUSE_DEPTH = 8

const SYSTEM_CODES = new Set([
  'EBUSY',
  'EDQUOT',
  'EFBIG',
  'EIO',
  'EMFILE',
  'ENFILE',
  'ENOSPC',
  'EROFS',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
  'ERR_SQLITE_ERROR',
])

/**
 * Recognises the errors of drivers for a database that is unavailable, full, read-only or slow, by code or by class
 * name.
 */
function isStorageFault(error: unknown): boolean {
  let current = error
  for (let depth = 0; depth < CAUSE_DEPTH && current instanceof Error; depth += 1) {
    if (current instanceof MfaError && current.code === 'storage-unavailable') return true
    const code = (current as NodeJS.ErrnoException).code
    if (typeof code === 'string' && SYSTEM_CODES.has(code)) return true
    if (/^Mongo/.test(current.name)) return true
    if (current instanceof AggregateError && current.errors.some(isStorageFault)) return true
    current = current.cause
  }
  return false
}
