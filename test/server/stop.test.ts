import { expect } from 'chai'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { memoryStorage } from '../../src/adapters/memory/index.ts'
import { HttpClient } from '../support/http-client.ts'
import { freePort } from '../support/mongodb.ts'
import { undo } from '../../src/server/boot/started.ts'
import { addPerson, signIn, startServer, stopServers, type TestServer } from './support.ts'

/** A request of which the server waits for the last byte of the body. */
const BODY = 'grant_type=refresh_token'
const UNFINISHED = [
  'POST /token HTTP/1.1',
  'Host: localhost',
  'Content-Type: application/x-www-form-urlencoded',
  `Content-Length: ${BODY.length}`,
  '',
  BODY.slice(0, -1),
].join('\r\n')

describe('a server that is told to stop', () => {
  afterEach(stopServers)

  const sockets = new Set<Socket>()
  afterEach(() => {
    for (const socket of sockets) socket.destroy()
    sockets.clear()
  })

  const open = async ({ port }: TestServer, text = ''): Promise<Socket> => {
    const socket = connect({ port, host: '127.0.0.1' })
    sockets.add(socket)
    await once(socket, 'connect')
    socket.write(text)
    return socket
  }

  const isListening = (server: TestServer): Promise<boolean> =>
    open(server).then(
      () => true,
      () => false,
    )

  /** Begins a stop whose listener closes at once, and waits until it is closed. */
  const closed = async (server: TestServer): Promise<{ done: Promise<void> }> => {
    const done = server.stop()
    while (await isListening(server)) await new Promise(setImmediate)
    return { done }
  }

  /** Sends most of a request, and waits until the server has it in hand. */
  const inHand = async (server: TestServer): Promise<Socket> => {
    const socket = await open(server, UNFINISHED)
    await new HttpClient().get(`${server.url}/health/live`)
    return socket
  }

  const rest = async (socket: Socket): Promise<string> => {
    let text = ''
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
    await once(socket, 'close')
    return text
  }

  it('answers nothing but 503 before it can be stopped in order', async () => {
    const port = String(await freePort())
    const storage = memoryStorage()
    const { settings } = storage
    const seen: unknown[] = []
    const get: typeof settings.get = async (name) => {
      // The last thing that a start waits for.
      if (name === 'recoveries' && seen.length === 0)
        seen.push(await (await fetch(`http://127.0.0.1:${port}/health/ready`)).json())
      return settings.get(name)
    }
    const server = await startServer({
      storage: { ...storage, settings: { ...settings, get } },
      environment: { PORT: port },
    })
    expect(seen).to.deep.equal([{ status: 'unavailable', reason: 'starting' }])
    expect((await fetch(`${server.url}/health/ready`)).status).to.equal(200)
  })

  it('is not ready at once and says why, ends each connection, and still signs people in', async () => {
    const server = await startServer({ settings: { stop: { drainSeconds: 3 } } })
    const alice = await addPerson(server)
    const done = server.stop()
    const browser = new HttpClient({ headers: { connection: 'keep-alive' } })
    const ready = await browser.get(`${server.url}/health/ready`)
    expect(ready.status).to.equal(503)
    expect(ready.json).to.deep.equal({ status: 'unavailable', reason: 'stopping' })
    expect(ready.headers['connection']).to.equal('close')
    expect((await browser.get(`${server.url}/health/live`)).status).to.equal(200)
    const end = await signIn(browser, server.authorize(), alice, server)
    expect(end.location?.searchParams.has('code')).to.equal(true)
    expect(end.headers['connection']).to.equal('close')
    await done
    expect(await isListening(server)).to.equal(false)
  })

  it('says so without asking the storage, and also when the signal comes while it asks', async () => {
    const storage = memoryStorage()
    const answers: (() => void)[] = []
    storage.checkWritable = () => new Promise((resolve) => answers.push(resolve))
    const server = await startServer({ storage, settings: { stop: { drainSeconds: 1 } } })
    const before = answers.length
    const ready = (): Promise<unknown> =>
      new HttpClient().get(`${server.url}/health/ready`).then(({ json }) => json)
    const asking = ready()
    let isAsking = true
    void asking.then(() => (isAsking = false))
    while (answers.length === before) await new Promise(setImmediate)
    const done = server.stop()
    const stopping = { status: 'unavailable', reason: 'stopping' }
    expect(await ready()).to.deep.equal(stopping)
    expect(isAsking).to.equal(true)
    answers.at(-1)?.()
    expect(await asking).to.deep.equal(stopping)
    await done
  })

  it('answers a request that it has in hand after its listener is closed, and ends its connection', async () => {
    const server = await startServer({ settings: { stop: { drainSeconds: 0, graceSeconds: 300 } } })
    const socket = await inHand(server)
    const { done } = await closed(server)
    const answer = rest(socket)
    socket.write(BODY.slice(-1))
    expect(await answer).to.match(/^HTTP\/1\.1 40[01] [^]*\r\nconnection: close\r\n/i)
    await done
    expect(server.lines.join('\n')).not.to.contain('cut off')
  })

  it('cuts off what lasts longer than the grace period, and says so', async () => {
    const server = await startServer({ settings: { stop: { drainSeconds: 0, graceSeconds: 1 } } })
    const socket = await inHand(server)
    const answer = rest(socket)
    const { done } = await closed(server)
    await done
    expect(await answer).to.equal('')
    expect(server.lines.filter((line) => line.includes('cut off'))).to.have.length(1)
  })

  it('ends although its storage does not close', async () => {
    const storage = memoryStorage()
    storage.close = () => new Promise(() => undefined)
    const settings = { stop: { drainSeconds: 0, graceSeconds: 0 } }
    const server = await startServer({ storage, settings })
    await server.stop()
    expect(server.lines.join('\n')).to.contain('stopped without waiting any longer')
  })

  it('undoes every step in the reverse order, also after one that fails, whose error it throws', async () => {
    const undone: string[] = []
    const fault = new Error('the storage is away')
    const steps = [
      () => undone.push('first'),
      () => Promise.reject(fault),
      () => undone.push('last'),
    ]
    const thrown: unknown = await undo(steps).catch((error: unknown) => error)
    expect(undone).to.deep.equal(['last', 'first'])
    expect(thrown).to.equal(fault)
  })
})
