import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { port } from './settings.ts'

type Handler = (request: IncomingMessage, response: ServerResponse) => unknown

/** Serves on this machine, and says where. */
export async function listen(handler: Handler, address: string): Promise<void> {
  const server = createServer((request, response) => void handler(request, response))
  server.listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
    console.log(`The provider is at ${address}`)
  } catch (error) {
    console.error(`Port ${port} is not free (${(error as NodeJS.ErrnoException).code}): set PORT`)
    process.exit(1)
  }
}
