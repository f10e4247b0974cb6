import { connect } from 'node:net'

export interface RawAnswer {
  /** 0 if the connection was closed without a response. */
  readonly status: number
  readonly text: string
}

/** Sends bytes that no client library would send, and returns all that the server sends until the connection closes. */
export function sendRaw(port: number, bytes: string): Promise<RawAnswer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    const socket = connect(port, '127.0.0.1', () => {
      // The client does not end the connection, so that the server decides when to close it.
      socket.write(bytes, 'latin1')
    })
    socket.setTimeout(5000, () => socket.destroy())
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('error', () => undefined)
    socket.on('close', () => {
      const text = Buffer.concat(chunks).toString('latin1')
      resolve({ status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), text })
    })
  })
}

/** A request line and headers, with `Connection: close` and the empty line at the end. */
export function lines(...given: string[]): string {
  return [...given, 'Connection: close', '', ''].join('\r\n')
}
