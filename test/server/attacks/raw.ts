import { connect } from 'node:net'

export interface RawAnswer {
  /** 0: the connection was closed without an answer. */
  readonly status: number
  readonly text: string
}

/** Bytes as no client library would send them, and whatever comes back until the server closes. */
export function sendRaw(port: number, bytes: string): Promise<RawAnswer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    const socket = connect(port, '127.0.0.1', () => {
      // Left open on our side: whether the server closes is its own affair.
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

/** A request line and headers, ended and closed. */
export function lines(...given: string[]): string {
  return [...given, 'Connection: close', '', ''].join('\r\n')
}
