import { context, propagation, trace } from '@opentelemetry/api'
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-node'
import { expect } from 'chai'
import { MfaError } from '../../../src/domain/errors.ts'
import { inRequestSpan, inSpan } from '../../../src/observe/spans.ts'
import { HttpClient } from '../../support/http-client.ts'
import { addPerson, signIn, startServer, stopServers } from '../support.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const TRACEPARENT = `00-${TRACE}-00f067aa0ba902b7-01`
const TRUSTED = { TRUSTED_PROXIES: '127.0.0.1/8,::1' }

describe('traces', () => {
  const exporter = new InMemorySpanExporter()
  const spans = (name: RegExp): ReadableSpan[] =>
    exporter.getFinishedSpans().filter((span) => name.test(span.name))

  beforeEach(() => {
    exporter.reset()
    new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register()
  })
  afterEach(async () => {
    await stopServers()
    trace.disable()
    context.disable()
    propagation.disable()
  })

  it('go on from the traceparent of a trusted proxy, and have no name, code or token', async () => {
    const server = await startServer({ environment: TRUSTED })
    const alice = await addPerson(server)
    const done = await signIn(new HttpClient(), server.authorize(), alice, server)
    await fetch(new URL('/health/live?code=secret', server.url), {
      headers: { traceparent: TRACEPARENT },
    })
    const [live] = spans(/^GET$/).filter(
      ({ attributes }) => attributes['url.path'] === '/health/live',
    )
    expect(live?.spanContext().traceId).to.equal(TRACE)
    expect(live?.attributes).to.deep.equal({
      'http.request.method': 'GET',
      'url.path': '/health/live',
      'http.response.status_code': 200,
    })
    const text = JSON.stringify(
      exporter
        .getFinishedSpans()
        .map(({ name, attributes, events, status }) => [name, attributes, events, status]),
    )
    const code = done.location?.searchParams.get('code') ?? 'no code'
    for (const secret of ['alice', 'secret', code, alice.password, alice.secret ?? 'no secret'])
      expect(text).not.to.contain(secret)
  })

  it('have the attempt, the commit and the hash within the request', async () => {
    const server = await startServer()
    const alice = await addPerson(server)
    await signIn(new HttpClient(), server.authorize(), alice, server)
    const [attempt] = spans(/attempt/)
    expect(attempt?.attributes).to.deep.equal({ step: 'enrolment', factor: 'totp' })
    const requests = spans(/^POST$/).map((span) => span.spanContext().spanId)
    expect(requests).to.include(attempt?.parentSpanContext?.spanId)
    const commits = spans(/commit/).map((span) => span.parentSpanContext?.spanId)
    expect(commits).to.include(attempt?.spanContext().spanId)
    expect(spans(/hash/).map((span) => span.parentSpanContext?.spanId)).to.include.oneOf(requests)
  })

  it('do not follow the traceparent of a stranger', async () => {
    const server = await startServer()
    await fetch(new URL('/health/live', server.url), { headers: { traceparent: TRACEPARENT } })
    const [live] = spans(/^GET$/)
    expect(live?.spanContext().traceId).to.be.a('string').and.not.equal(TRACE)
  })

  it('give a request that a library traces no second span', async () => {
    const request = { method: 'GET', path: '/', headers: {} }
    await trace.getTracer('library').startActiveSpan('outer', async (outer) => {
      await inRequestSpan(request, async () => 200)
      await inSpan('inner', { factor: undefined }, async () => undefined)
      outer.end()
    })
    expect(spans(/./).map(({ name }) => name)).to.deep.equal(['inner', 'outer'])
    expect(spans(/inner/)[0]?.attributes).to.deep.equal({})
    const [outer] = spans(/outer/)
    expect(spans(/inner/)[0]?.parentSpanContext?.spanId).to.equal(outer?.spanContext().spanId)
  })

  it('have only the code of an error', async () => {
    const fault = new MfaError('storage-unavailable', 'alice at /secret/path', { status: 503 })
    for (const error of [fault, new Error('E11000 alice')])
      await inSpan('failing', {}, () => Promise.reject(error)).catch(() => undefined)
    const told = spans(/failing/).map(({ attributes, events, status }) => ({
      attributes,
      events,
      status,
    }))
    expect(told.map(({ attributes }) => attributes['error.type'])).to.deep.equal([
      'storage-unavailable',
      'error',
    ])
    expect(JSON.stringify(told)).not.to.match(/alice|secret/)
  })
})
