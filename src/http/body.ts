import type { IncomingMessage } from 'node:http'
import { MfaError } from '../domain/errors.ts'

/** A parsed form: each field once, strings only, no null bytes. The same shape as a factor's `Form`. */
export type Form = Readonly<Record<string, string>>

export interface FormOptions {
  /** Bytes of the encoded body. The largest form of the product is far below one kilobyte. */
  readonly limitBytes?: number
}

export const FORM_LIMIT_BYTES = 16_384
export const FORM_LIMIT_FIELDS = 40

/**
 * Names that a field of our pages or of a factor's can have. Excludes names that parsers read as operators, paths or
 * arrays.
 */
const FIELD_NAME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/

/**
 * The sources of a form: a request of Node or Express, or the context of Koa. `body` is the result of a parser that ran
 * before.
 */
export type FormSource = FormRequest | FormContext
export type FormRequest = IncomingMessage & { readonly body?: unknown }
export interface FormContext {
  readonly req: FormRequest
  /** Koa's own request: a parser leaves `body` there. */
  readonly request?: object
}

/**
 * Reads a posted form once, at the edge, and types it (R34): everything behind this gets strings under plain names.
 *
 * Throws MfaError `form-type` (415) for anything but application/x-www-form-urlencoded in UTF-8, `form-too-large` (413)
 * as soon as the limit is passed, without reading on, and `form-unreadable` (400) for bytes that are not UTF-8, broken
 * percent escapes, null bytes, repeated fields, names of Object.prototype, names with brackets, dots or dollars, and
 * more than 40 fields; `body-already-read` (500), a fault of the surrounding application.
 */
export async function readForm(source: FormSource, options: FormOptions = {}): Promise<Form> {
  const limitBytes = options.limitBytes ?? FORM_LIMIT_BYTES
  const { request, parsed } = partsOf(source)
  checkType(request)
  // A parser of the host application may have read the stream. Its result is used only in that case: otherwise an empty
  // default such as `{}` would replace the form.
  if (request.readableDidRead || request.readableEnded) return formOf(entriesOfParsed(parsed))
  return formOf(entriesOfText(decodeUtf8(await readBytes(request, limitBytes))))
}

function partsOf(source: FormSource): { request: FormRequest; parsed: unknown } {
  if (!('req' in source)) return { request: source, parsed: source.body }
  const { req, request = {} } = source
  return { request: req, parsed: ('body' in request ? request.body : undefined) ?? req.body }
}

function checkType(request: FormRequest): void {
  const [type = '', ...parameters] = (request.headers['content-type'] ?? '').split(';')
  const charset = parameters
    .map((parameter) => /^\s*charset\s*=\s*"?([^"\s]*)"?\s*$/i.exec(parameter)?.[1]?.toLowerCase())
    .find((value) => value !== undefined)
  const encoding = request.headers['content-encoding']?.toLowerCase() ?? 'identity'
  if (type.trim().toLowerCase() !== 'application/x-www-form-urlencoded')
    throw new MfaError('form-type', 'The body is not application/x-www-form-urlencoded.', {
      status: 415,
    })
  // In another character set or in a compressed body these checks would not see the text that a later reader sees.
  if ((charset ?? 'utf-8') !== 'utf-8' || encoding !== 'identity')
    throw new MfaError('form-type', 'The body is not plain UTF-8.', { status: 415 })
}

function tooLarge(limitBytes: number): MfaError {
  return new MfaError('form-too-large', `The body is larger than ${limitBytes} bytes.`, {
    status: 413,
  })
}

function unreadable(why: string, cause?: unknown): MfaError {
  return new MfaError('form-unreadable', `The form cannot be read: ${why}.`, { status: 400, cause })
}

function readBytes(request: FormRequest, limitBytes: number): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > limitBytes)
    return Promise.reject(tooLarge(limitBytes))
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    const onData = (chunk: Buffer | string): void => {
      if (typeof chunk === 'string') return settle(() => reject(unreadable('it is text already')))
      length += chunk.length
      if (length > limitBytes) return settle(() => reject(tooLarge(limitBytes)))
      chunks.push(chunk)
    }
    const onEnd = (): void => settle(() => resolve(Buffer.concat(chunks, length)))
    const onError = (error: Error): void => settle(() => reject(unreadable('it broke off', error)))
    const onClose = (): void => settle(() => reject(unreadable('it broke off')))
    const settle = (done: () => void): void => {
      request.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose)
      // A client that sends without end must not be read without end.
      request.pause()
      done()
    }
    request.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose)
  })
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function decodeUtf8(bytes: Buffer): string {
  try {
    return UTF8.decode(bytes)
  } catch (cause) {
    throw unreadable('it is not UTF-8', cause)
  }
}

type Entry = readonly [name: string, value: string]

function entriesOfText(text: string): Entry[] {
  const pairs = text.split('&').filter((pair) => pair !== '')
  if (pairs.length > FORM_LIMIT_FIELDS) throw unreadable('it has too many fields')
  return pairs.map((pair) => {
    const at = pair.indexOf('=')
    return at === -1
      ? [decodePart(pair), '']
      : [decodePart(pair.slice(0, at)), decodePart(pair.slice(at + 1))]
  })
}

/** Refuses parts that URLSearchParams would silently repair: broken escapes, and escapes that are not UTF-8. */
function decodePart(part: string): string {
  try {
    return decodeURIComponent(part.replaceAll('+', ' '))
  } catch (cause) {
    throw unreadable('an escape is broken', cause)
  }
}

function entriesOfParsed(parsed: unknown): Entry[] {
  if (!isPlainObject(parsed))
    throw new MfaError(
      'body-already-read',
      'A body parser has read the form and left none: mount the provider before it, or let it leave an object in ' +
        '`body` of the request that the provider gets.',
    )
  const entries = Object.entries(parsed)
  if (entries.length > FORM_LIMIT_FIELDS) throw unreadable('it has too many fields')
  return entries.map(([name, value]) => {
    // An array or an object: a repeated field, or an operator such as `code[$ne]=`.
    if (typeof value !== 'string') throw unreadable('a field is not a single text')
    return [name, value]
  })
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

function formOf(entries: readonly Entry[]): Form {
  const form = Object.create(null) as Record<string, string>
  for (const [name, value] of entries) {
    if (!FIELD_NAME.test(name) || name in Object.prototype || name === 'prototype')
      throw unreadable('a field has a name that no form of ours has')
    if (Object.hasOwn(form, name)) throw unreadable('a field is repeated')
    if (value.includes('\0') || !value.isWellFormed()) throw unreadable('a field is not text')
    form[name] = value
  }
  return Object.freeze(form)
}
