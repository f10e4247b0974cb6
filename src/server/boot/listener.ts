import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ConfigError, type Config } from '../../../config/environment.ts'

/** How long a stop waits for responses under way. Checking a password and a code takes about a second. */
const GRACE_MILLISECONDS = 10_000
/** How long a client may take to send a request. A slower one holds the connection on purpose. */
const REQUEST_MILLISECONDS = 30_000

/** The port of the server, and the function that answers its requests at present. */
export interface Listener {
  readonly port: number
  /** A refusal during the start, then the app. */
  handle: RequestListener
  /** True from the moment the server was told to stop. */
  isStopping: boolean
  /** Lets responses under way finish, and refuses new requests. */
  close(): Promise<void>
}

/** Listens on HOST and PORT. Throws ConfigError if that is not possible. */
export async function openListener({
  port,
  host,
}: Pick<Config, 'port' | 'host'>): Promise<Listener> {
  const server = createServer({ requestTimeout: REQUEST_MILLISECONDS }, (request, response) =>
    listener.handle(request, response),
  )
  await listen(server, port, host)
  const listener: Listener = {
    port: (server.address() as AddressInfo).port,
    handle: answerNotYet,
    isStopping: false,
    close: () => close(server),
  }
  return listener
}

/** The response during a start and a restore: the client is told to try again, instead of waiting without an answer. */
export const answerNotYet: RequestListener = (_request, response) => {
  response.writeHead(503, { 'Retry-After': '1', 'Cache-Control': 'no-store' }).end()
}

async function listen(server: Server, port: number, host: string): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, host, () => {
        server.off('error', reject)
        resolve()
      })
    })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EADDRINUSE')
      throw new ConfigError([{ setting: 'PORT', problem: `${port} is taken: choose another` }])
    if (code === 'EACCES' || code === 'EADDRNOTAVAIL')
      throw new ConfigError([
        { setting: 'HOST', problem: `${host}:${port} is not ours to listen on` },
      ])
    throw error
  }
}

/** Idle connections are closed at once, the others when the grace period is over. */
async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve())
  })
  server.closeIdleConnections()
  const timer = setTimeout(() => server.closeAllConnections(), GRACE_MILLISECONDS)
  await closed
  clearTimeout(timer)
}
