import { makeCertificate } from './certificate.ts'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mongoose from 'mongoose'
import { startStandIn } from './mongodb.ts'

/** A password with characters that a URL must escape. */
export const SECRET = 'hush-hush/100%'

/** A user of `admin` with a role: `{ role, db }`, or the name of a role for every database. */
export interface User {
  readonly name: string
  readonly role: string | { readonly role: string; readonly db: string }
}

/** A MongoDB that requires a password (SCRAM) and TLS, with a self-signed certificate. */
export interface ProtectedMongodb {
  /** The file with the certificate, for clients that must trust the server. */
  readonly tlsCAFile: string
  /** `credentials`: the user and the escaped password. */
  url(database: string, credentials: string, options?: Readonly<Record<string, string>>): string
  stop(): Promise<void>
}

export const credentialsOf = ({ name }: Pick<User, 'name'>): string =>
  `${name}:${encodeURIComponent(SECRET)}`

export async function startProtectedMongodb(
  users: readonly [User, ...User[]],
): Promise<ProtectedMongodb> {
  const folder = mkdtempSync(join(tmpdir(), 'mfa-mongodb-tls-'))
  const [path, certificate, key] = ['db', 'cert.pem', 'key.pem'].map((name) =>
    join(folder, name),
  ) as [string, string, string]
  const open = await startStandIn({ path })
  const connection = await mongoose.createConnection(`${open.url}admin`).asPromise()
  const admin = connection.getClient().db('admin')
  for (const { name, role } of users)
    await admin.command({ createUser: name, pwd: SECRET, roles: [role] })
  // `stop` kills the server, so the users must be on the disk before.
  await admin.command({ fsync: 1 })
  await connection.close(true)
  await open.stop()

  makeCertificate({ key, certificate })
  const port = Number(new URL(open.url).port)
  const url: ProtectedMongodb['url'] = (database, credentials, options = {}) => {
    const trusted = { authSource: 'admin', tls: 'true', tlsCAFile: certificate }
    const query = new URLSearchParams({ ...trusted, ...options })
    return `mongodb://${credentials}@127.0.0.1:${port}/${database}?${String(query)}`
  }
  const server = await startStandIn({
    path,
    port,
    args: ['--auth', '--tls-cert-file', certificate, '--tls-key-file', key],
    ready: url('admin', credentialsOf(users[0])),
  })
  return {
    tlsCAFile: certificate,
    url,
    async stop() {
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
