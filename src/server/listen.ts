import type { Server } from 'node:http'
import { ConfigError } from '../../config/environment.ts'

/** An address to listen on, and the names of the settings that give it. */
export interface ListenAddress {
  readonly host: string
  readonly port: number
  readonly settings: { readonly host: string; readonly port: string }
}

/** The URL of an address; one of IPv6 stands in brackets. */
export function urlOf(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** Listens on an address. Throws ConfigError, which names the setting, if that is not possible. */
export async function listenOn(
  server: Server,
  { host, port, settings }: ListenAddress,
): Promise<void> {
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
      throw new ConfigError([
        { setting: settings.port, problem: `${port} is taken: choose another` },
      ])
    if (code !== undefined)
      throw new ConfigError([
        { setting: settings.host, problem: `${host}:${port} is not ours to listen on (${code})` },
      ])
    throw error
  }
}
