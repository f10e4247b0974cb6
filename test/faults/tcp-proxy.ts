import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** The moment at which the proxy cuts the connection for a matching message. */
export type Cut = 'before it is applied' | 'after it was applied'

interface Trap {
  readonly cut: Cut
  readonly fits: (message: Buffer) => boolean
  left: number
}

/** The first field of a message is its length, little-endian, which includes the field (MongoDB wire protocol). */
const LENGTH_BYTES = 4

/**
 * A proxy between a driver and its database. It refuses or delays connections, or cuts a connection at one message,
 * before the database receives it or when the response comes back. It reads whole messages, so that a cut is exact.
 */
export class TcpProxy {
  delayMs = 0
  readonly port: number
  readonly #server: Server
  readonly #target: number
  readonly #sockets = new Set<Socket>()
  #refuses = false
  #trap: Trap | undefined
  #cuts = 0

  private constructor(server: Server, target: number) {
    this.#server = server
    this.#target = target
    this.port = (server.address() as AddressInfo).port
    server.on('connection', (socket) => this.#join(socket))
  }

  static async start(target: number): Promise<TcpProxy> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new TcpProxy(server, target)
  }

  /** The number of connections that were cut. */
  get cuts(): number {
    return this.#cuts
  }

  /** Cuts the connection at each message that writes to `collection` by `command`, `times` times. */
  trap(cut: Cut, command: string, collection: string, times = Infinity): void {
    // BSON has the name of the command, then the length of the text that follows, then the text.
    const name = Buffer.from(`\u0002${command}\0`)
    const target = Buffer.from(`${collection}\0`)
    this.#trap = {
      cut,
      left: times,
      fits: (message) => {
        const at = message.indexOf(name)
        return at !== -1 && message.indexOf(target, at) === at + name.length + LENGTH_BYTES
      },
    }
  }

  /** Closes the open connections and refuses new ones. */
  refuse(): void {
    this.#refuses = true
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Lets everything pass again. */
  pass(): void {
    this.#refuses = false
    this.delayMs = 0
    this.#trap = undefined
  }

  async stop(): Promise<void> {
    this.refuse()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #join(client: Socket): void {
    if (this.#refuses) return void client.destroy()
    const database = connect(this.#target, '127.0.0.1')
    const end = (): void => {
      client.destroy()
      database.destroy()
    }
    for (const socket of [client, database]) {
      this.#sockets.add(socket)
      socket.on('error', end)
      socket.on('close', () => {
        this.#sockets.delete(socket)
        end()
      })
    }
    let cutsAnswer = false
    passOn(client, async (message) => {
      const cut = this.#sprung(message)
      if (cut === 'before it is applied') return end()
      cutsAnswer = cut === 'after it was applied'
      await this.#wait()
      database.write(withOneTimeLimit(message))
    })
    passOn(database, async (message) => {
      if (cutsAnswer) return end()
      await this.#wait()
      client.write(message)
    })
  }

  #sprung(message: Buffer): Cut | undefined {
    const trap = this.#trap
    if (trap === undefined || trap.left <= 0 || !trap.fits(message)) return undefined
    trap.left -= 1
    this.#cuts += 1
    return trap.cut
  }

  async #wait(): Promise<void> {
    if (this.delayMs > 0) await sleep(this.delayMs, undefined, { ref: false })
  }
}

/**
 * Gives every command the same `maxTimeMS`. The driver of Mongoose 8 sends the time that is left, which is less when it
 * repeats a write. A mongod recognises a repeated write by its session and number. The stand-in also compares the whole
 * command, so without this function it would apply the write twice.
 */
function withOneTimeLimit(message: Buffer): Buffer {
  const name = Buffer.from('\u0010maxTimeMS\0')
  const at = message.indexOf(name)
  if (at !== -1) message.writeInt32LE(60_000, at + name.length)
  return message
}

/** Passes on whole messages, one after the other, in their order. */
function passOn(from: Socket, to: (message: Buffer) => Promise<void>): void {
  let buffered: Buffer<ArrayBufferLike> = Buffer.alloc(0)
  let turn = Promise.resolve()
  from.on('data', (chunk: Buffer) => {
    buffered = Buffer.concat([buffered, chunk])
    while (buffered.length >= LENGTH_BYTES && buffered.length >= buffered.readInt32LE(0)) {
      const message = buffered.subarray(0, buffered.readInt32LE(0))
      buffered = buffered.subarray(message.length)
      turn = turn.then(() => to(message))
    }
  })
}
