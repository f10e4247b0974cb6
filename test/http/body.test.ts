import { expect } from 'chai'
import { createServer, type Server } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { MfaError } from '../../src/domain/errors.ts'
import { FORM_LIMIT_BYTES, readForm, type Form, type FormRequest } from '../../src/http/body.ts'

const FORM = 'application/x-www-form-urlencoded'

type Answer = { form: Form } | { code: string; status: number }

describe('reading a form', () => {
  let server: Server
  let port: number
  let answers: Answer[]
  /** The number of bytes that the server had read from the socket when it answered. */
  let bytesRead: number
  /** A body parser of the host application that runs before ours. */
  let earlier: (request: FormRequest) => Promise<void>

  beforeEach(async () => {
    answers = []
    earlier = async () => {}
    server = createServer((request, response) => {
      const read = async (): Promise<Answer> => {
        await earlier(request)
        try {
          return { form: await readForm(request) }
        } catch (error) {
          if (!(error instanceof MfaError)) throw error
          return { code: error.code, status: error.status }
        }
      }
      void read().then((answer) => {
        answers.push(answer)
        bytesRead = request.socket.bytesRead
        response.setHeader('Connection', 'close')
        response.end(JSON.stringify(answer))
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    port = (server.address() as AddressInfo).port
  })

  afterEach(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })

  async function post(body: string | Uint8Array, type = FORM, headers = {}): Promise<Answer> {
    const response = await fetch(`http://127.0.0.1:${port}/`, {
      method: 'POST',
      body: body as string,
      headers: { 'content-type': type, ...headers },
    })
    return (await response.json()) as Answer
  }

  const unreadable = { code: 'form-unreadable', status: 400 }
  const tooLarge = { code: 'form-too-large', status: 413 }
  const wrongType = { code: 'form-type', status: 415 }

  it('gives each field once, as text, spaces and Unicode decoded', async () => {
    expect(await post('code=123+456&username=J%C3%BCrgen&empty=&bare&')).to.deep.equal({
      form: { code: '123 456', username: 'Jürgen', empty: '', bare: '' },
    })
  })

  it('gives an object that inherits nothing and cannot be changed', async () => {
    const request = streamOf('code=1')
    const form = await readForm(request)
    expect(Object.getPrototypeOf(form)).to.equal(null)
    expect('toString' in form).to.equal(false)
    expect(Object.isFrozen(form)).to.equal(true)
  })

  it('R34 refuses every other content type with 415', async () => {
    expect(await post('{"code":"1"}', 'application/json')).to.deep.equal(wrongType)
    expect(await post('code=1', 'text/plain')).to.deep.equal(wrongType)
    expect(await post('code=1', 'multipart/form-data; boundary=x')).to.deep.equal(wrongType)
    expect(await post('code=1', `${FORM}-not`)).to.deep.equal(wrongType)
    expect(await post('code=1', `${FORM}; charset=utf-16`)).to.deep.equal(wrongType)
    expect(await post(gzipSync('code=1'), FORM, { 'content-encoding': 'gzip' })).to.deep.equal(
      wrongType,
    )
  })

  it('takes the content type in any case and with UTF-8 named', async () => {
    const form = { form: { code: '1' } }
    expect(await post('code=1', `${FORM.toUpperCase()}; Charset="UTF-8"`)).to.deep.equal(form)
    expect(await post('code=1', `${FORM} ;charset=utf-8`)).to.deep.equal(form)
  })

  it('R34 takes a body at the limit and refuses one byte more with 413', async () => {
    const field = 'code='
    const full = field + 'x'.repeat(FORM_LIMIT_BYTES - field.length)
    expect(await post(full)).to.deep.equal({ form: { code: full.slice(field.length) } })
    expect(await post(`${full}x`)).to.deep.equal(tooLarge)
  })

  it('R34 answers an endless body without reading on, declared or chunked', async () => {
    const endless = (head: string, chunk: string): Promise<string> =>
      new Promise((resolve, reject) => {
        let answer = ''
        const socket = connect(port, '127.0.0.1', () => {
          socket.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Type: ${FORM}\r\n${head}\r\n\r\n`)
          const pump = (): void => {
            while (!socket.destroyed && socket.write(chunk));
            socket.once('drain', pump)
          }
          pump()
        })
        socket.on('data', (data) => {
          answer += data.toString()
          if (answer.includes('}')) socket.destroy()
        })
        socket.on('close', () => resolve(answer))
        socket.on('error', reject)
      })
    const megabyte = 'x'.repeat(1 << 20)
    const declared = await endless('Content-Length: 1000000000', megabyte)
    expect(declared).to.contain('"code":"form-too-large"')
    const chunked = await endless('Transfer-Encoding: chunked', `100000\r\n${megabyte}\r\n`)
    expect(chunked).to.contain('"code":"form-too-large"')
    expect(bytesRead).to.be.lessThan(FORM_LIMIT_BYTES + (1 << 19))
  })

  it('R34 does not wait for a body that is declared too large', async () => {
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Type: ${FORM}\r\n`)
        socket.write('Content-Length: 1000000000\r\n\r\n')
      })
      socket.once('data', (data) => {
        socket.destroy()
        resolve(data.toString())
      })
    })
    expect(answer).to.contain('"code":"form-too-large"')
  })

  it('R34 leaves the rest of a body that is too large unread', async () => {
    const stream = streamOf(undefined)
    const read = readForm(stream, { limitBytes: 10 })
    stream.write('code=1234567890')
    expect(await refusalOf(read)).to.deep.equal(tooLarge)
    stream.write('x'.repeat(100))
    await new Promise(setImmediate)
    expect(stream.readableLength).to.equal(100)
  })

  it('R34 refuses a repeated field, also when one of them is written with escapes', async () => {
    expect(await post('code=1&code=2')).to.deep.equal(unreadable)
    expect(await post('code=1&c%6Fde=1')).to.deep.equal(unreadable)
  })

  it('R34 refuses null bytes and bytes and escapes that are not UTF-8', async () => {
    expect(await post('code=1%00')).to.deep.equal(unreadable)
    expect(await post('code%00=1')).to.deep.equal(unreadable)
    expect(await post(Buffer.from('code=\0', 'latin1'))).to.deep.equal(unreadable)
    expect(await post(Buffer.from('code=\xff', 'latin1'))).to.deep.equal(unreadable)
    expect(await post('code=%ff')).to.deep.equal(unreadable)
    expect(await post('code=%c0%af')).to.deep.equal(unreadable)
    expect(await post('code=%ed%a0%80')).to.deep.equal(unreadable)
    expect(await post('code=%zz')).to.deep.equal(unreadable)
    expect(await post('code=%')).to.deep.equal(unreadable)
  })

  it('R34 refuses prototype keys', async () => {
    for (const name of ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'])
      expect(await post(`${name}=x`), name).to.deep.equal(unreadable)
  })

  it('R34 refuses names that a parser would read as an operator, a path or an array', async () => {
    for (const name of ['code[$ne]', 'code[]', 'a.b', '$where', '', 'x'.repeat(65), 'çode'])
      expect(await post(`${encodeURIComponent(name)}=x`), name).to.deep.equal(unreadable)
  })

  it('R34 refuses more fields than any form has', async () => {
    const fields = (count: number): string =>
      Array.from({ length: count }, (_, index) => `f${index}=1`).join('&')
    expect(await post(fields(40))).to.have.property('form')
    expect(await post(fields(41))).to.deep.equal(unreadable)
  })

  it('refuses a body that breaks off', async () => {
    const stream = streamOf(undefined)
    const read = readForm(stream)
    stream.write('code=1')
    stream.destroy()
    expect(await refusalOf(read)).to.deep.equal(unreadable)
  })

  describe('behind a body parser that has eaten the stream', () => {
    const parsedAs = (body: unknown) => async (request: FormRequest) => {
      for await (const chunk of request) void chunk
      Object.assign(request, { body })
    }

    it('takes what the parser left', async () => {
      earlier = parsedAs({ code: '123456', csrf: 'x' })
      expect(await post('code=ignored')).to.deep.equal({ form: { code: '123456', csrf: 'x' } })
    })

    it("takes Koa's `ctx.request.body`", async () => {
      const req = streamOf('code=ignored')
      for await (const chunk of req) void chunk
      expect(await readForm({ req, request: { body: { code: '1' } } })).to.deep.equal({ code: '1' })
    })

    it('R34 checks it like a body of its own', async () => {
      const bodies: unknown[] = [
        { code: ['1', '2'] },
        { code: { $ne: '' } },
        { code: 1 },
        { code: '1\0' },
        { code: '\ud800' },
        { constructor: 'x' },
        JSON.parse('{"__proto__":"x"}'),
        Object.fromEntries(Array.from({ length: 41 }, (_, index) => [`f${index}`, '1'])),
      ]
      for (const body of bodies) {
        earlier = parsedAs(body)
        expect(await post('code=1'), JSON.stringify(body)).to.deep.equal(unreadable)
      }
    })

    it('names the parser that left no form', async () => {
      for (const body of [['code'], 'code=1', null, undefined]) {
        earlier = parsedAs(body)
        const named = { code: 'body-already-read', status: 500 }
        expect(await post('code=1'), JSON.stringify(body)).to.deep.equal(named)
      }
    })

    it('R34 refuses JSON that a parser has turned into a plain object', async () => {
      earlier = parsedAs({ code: '1' })
      expect(await post('{"code":"1"}', 'application/json')).to.deep.equal(wrongType)
    })

    it('reads the stream itself where the parser left it alone but set an empty body', async () => {
      earlier = async (request) => void Object.assign(request, { body: {} })
      expect(await post('code=1')).to.deep.equal({ form: { code: '1' } })
    })
  })
})

/** A request whose body is `text`; with undefined it stays open. */
function streamOf(text: string | undefined): PassThrough & FormRequest {
  const stream = new PassThrough()
  if (text !== undefined) stream.end(text)
  return Object.assign(stream, { headers: { 'content-type': FORM } }) as unknown as PassThrough &
    FormRequest
}

async function refusalOf(read: Promise<unknown>): Promise<{ code: string; status: number }> {
  try {
    await read
  } catch (error) {
    if (error instanceof MfaError) return { code: error.code, status: error.status }
    throw error
  }
  throw new Error('It was not refused.')
}
