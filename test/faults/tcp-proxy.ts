import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** When the connection is cut at a matching message to the database. */
export type Cut = 'before it is applied' | 'after it was applied'

interface Trap {
  readonly cut: Cut
  readonly fits: (message: Buffer) => boolean
  left: number
}

/** The length of a message is its first field, little-endian, itself included (MongoDB's wire protocol). */
const LENGTH_BYTES = 4

/**
 * Between a driver and its database: refuses, delays, or cuts a connection at one message, before the database has
 * it or when the answer comes back. It reads whole messages, so that a cut is at the place it says.
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

  /** How often a connection was cut. */
  get cuts(): number {
    return this.#cuts
  }

  /** Cuts the connection at each message that writes to `collection` by `command`, `times` times. */
  trap(cut: Cut, command: string, collection: string, times = Infinity): void {
    // In BSON: the name of the command, the length of the text that follows, the text.
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

  /** Ends what is open and lets nobody in. */
  refuse(): void {
    this.#refuses = true
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Everything passes again. */
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
 * The driver of Mongoose 8 says in `maxTimeMS` how much time is left, which is less when it repeats a write. A mongod knows
 * a repeated write by its session and number; the stand-in compares the whole command besides, and would apply the write
 * twice. Every command gets the same limit here.
 */
function withOneTimeLimit(message: Buffer): Buffer {
  const name = Buffer.from('\u0010maxTimeMS\0')
  const at = message.indexOf(name)
  if (at !== -1) message.writeInt32LE(60_000, at + name.length)
  return message
}

/** Hands on one whole message after the other, in their order. */
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
