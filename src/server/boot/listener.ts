import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Config } from '../../../config/environment.ts'
import { listenOn } from '../listen.ts'
import { answerNotReady } from '../pages/health.ts'

/** How long a client may take to send a request. A slower one holds the connection on purpose. */
const REQUEST_MILLISECONDS = 30_000

/** The port of the server, and the function that answers its requests at present. */
export interface Listener {
  readonly port: number
  /** A refusal during the start, then the app. */
  handle: RequestListener
  /** True from the moment the server was told to stop. */
  readonly isStopping: boolean
  /** Ends each connection with its next answer, so that a proxy keeps none to this node. New ones are still accepted. */
  drain(): void
  /**
   * Accepts no more connections, and waits until the requests in hand are answered. Returns how many were cut off
   * because they took longer than `graceSeconds`.
   */
  close(graceSeconds: number): Promise<number>
}

/** Listens on HOST and PORT. Throws ConfigError if that is not possible. */
export async function openListener({
  port,
  host,
}: Pick<Config, 'port' | 'host'>): Promise<Listener> {
  const inHand = new Set<ServerResponse>()
  const server = createServer({ requestTimeout: REQUEST_MILLISECONDS }, (request, response) => {
    inHand.add(response)
    response.once('close', () => inHand.delete(response))
    if (stopping) endConnection(response)
    listener.handle(request, response)
  })
  let stopping = false
  await listenOn(server, { host, port, settings: { host: 'HOST', port: 'PORT' } })
  const listener: Listener = {
    port: (server.address() as AddressInfo).port,
    handle: (_request, response) => answerNotReady(response, 'starting'),
    get isStopping() {
      return stopping
    },
    drain() {
      stopping = true
      for (const response of inHand) endConnection(response)
    },
    close: (graceSeconds) => close(server, inHand, graceSeconds),
  }
  return listener
}

function endConnection(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('Connection', 'close')
}

/** Node closes idle connections at once; the others are closed when the grace period is over. */
async function close(
  server: Server,
  inHand: ReadonlySet<ServerResponse>,
  graceSeconds: number,
): Promise<number> {
  let cut = 0
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve())
  })
  const timer = setTimeout(() => {
    cut = inHand.size
    server.closeAllConnections()
  }, graceSeconds * 1000)
  await closed
  clearTimeout(timer)
  return cut
}
