import { MfaError } from '../../domain/errors.ts'

/** The most nested causes that are described: a driver wraps its errors, and a cycle must not loop for ever. */
const CAUSE_DEPTH = 8
/** The most errors of one attempt that are described: one for each address of a host. */
const MOST_ERRORS = 4
const LONGEST_TEXT = 300

/**
 * The members of an error of Node, SQLite, MongoDB, TLS or a mail server that name a fault or a place, and nothing that a
 * person typed.
 */
const NAMES = [
  'code',
  'codeName',
  'errcode',
  'syscall',
  'path',
  'dest',
  'hostname',
  'host',
  'address',
  'port',
  'responseCode',
] as const
/** The members that are a text of another party. */
const TEXTS = ['errstr', 'reason', 'command', 'response'] as const

/** The part of a text that may be a person's address. */
const ADDRESS = /[^\s<>"'(),:;]+@[^\s<>"'(),:;]+/g
/** The part of a text that may be a secret: a token, a digest, an answer to a challenge. */
const SECRET = /[\w+/=~-]{20,}/g

/**
 * The parts of an error that an operator needs, with its causes down to the root: full disk, missing right, name of the
 * host, answer of the mail server. The message of a cause is left out unless it is ours, because a driver may quote its
 * input; a text of another party has no address and no token (R31).
 */
export function describeError(error: unknown): object {
  if (!(error instanceof Error)) return { name: typeof error }
  const { error: oauth, error_description: description } = error as {
    error?: unknown
    error_description?: unknown
  }
  return {
    ...tellingOf(error),
    ...(typeof oauth === 'string' ? { error: oauth } : {}),
    ...(typeof description === 'string' ? { description: harmlessText(description) } : {}),
    message: error.message,
    stack: error.stack,
    ...causesOf(error, CAUSE_DEPTH),
  }
}

/** A text of another party, without what may be somebody's address or a secret, and not longer than a line. */
export function harmlessText(text: string): string {
  return text.replace(ADDRESS, '…').replace(SECRET, '…').slice(0, LONGEST_TEXT)
}

function causesOf(error: Error, depth: number): object {
  if (depth === 0) return {}
  const { cause, errors } = error as { cause?: unknown; errors?: unknown }
  return {
    ...(cause === undefined ? {} : { cause: causeOf(cause, depth - 1) }),
    ...(Array.isArray(errors)
      ? { errors: errors.slice(0, MOST_ERRORS).map((each) => causeOf(each, depth - 1)) }
      : {}),
  }
}

function causeOf(cause: unknown, depth: number): object {
  if (!(cause instanceof Error)) return { name: typeof cause }
  return {
    ...tellingOf(cause),
    ...(cause instanceof MfaError ? { message: cause.message } : {}),
    ...causesOf(cause, depth),
  }
}

function tellingOf(error: Error): Record<string, string | number> {
  const told: Record<string, string | number> = { name: error.name }
  const members = error as unknown as Readonly<Record<string, unknown>>
  for (const member of NAMES) {
    const value = members[member]
    if (typeof value === 'number' || typeof value === 'string') told[member] = value
  }
  for (const member of TEXTS) {
    const value = members[member]
    if (typeof value === 'string') told[member] = harmlessText(value)
  }
  return told
}
