import {
  context,
  propagation,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Span,
} from '@opentelemetry/api'
import { MfaError } from '../domain/errors.ts'
import type { Measures } from '../ports/measures.ts'
import { SCOPE } from './scope.ts'

/**
 * Runs the work within a span of the tracer that the application has registered, if any. The attributes are those of
 * the code: none holds a name, a code or a text that somebody has sent (R31). Of an error the span has only its code.
 */
export const inSpan: Measures['span'] = (name, attributes, work) =>
  trace
    .getTracer(SCOPE)
    .startActiveSpan(name, { attributes: given(attributes) }, (span) => ended(span, work))

export interface TracedRequest {
  readonly method: string
  /** Without a query, and with every part replaced that may be a token. */
  readonly path: string
  readonly headers: Readonly<Record<string, unknown>>
}

/**
 * Runs the work of a request within a span that continues the trace of `traceparent` (W3C Trace Context). `work` returns
 * the status of the answer. A request that a library has given a span already gets no second one.
 */
export async function inRequestSpan(
  { method, path, headers }: TracedRequest,
  work: () => Promise<number>,
): Promise<void> {
  if (trace.getActiveSpan() !== undefined) return void (await work())
  const attributes = { 'http.request.method': method, 'url.path': path }
  await trace
    .getTracer(SCOPE)
    .startActiveSpan(
      method,
      { kind: SpanKind.SERVER, attributes },
      propagation.extract(context.active(), headers),
      (span) =>
        ended(span, async () => {
          const status = await work()
          span.setAttribute('http.response.status_code', status)
          if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
        }),
    )
}

async function ended<T>(span: Span, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    span.setAttribute('error.type', error instanceof MfaError ? error.code : 'error')
    span.setStatus({ code: SpanStatusCode.ERROR })
    throw error
  } finally {
    span.end()
  }
}

function given(attributes: Readonly<Record<string, string | undefined>>): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== undefined))
}
