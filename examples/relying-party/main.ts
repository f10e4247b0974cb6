import { startRelyingParty } from '../../src/server/demonstration/relying-party.ts'

const { ISSUER, CLIENT_ID, CLIENT_SECRET, PORT, HOST, PUBLIC_URL } = process.env

const port = Number(PORT ?? 3001)
const app = await startRelyingParty({
  issuer: ISSUER ?? 'http://localhost:3000',
  clientId: CLIENT_ID ?? 'fieldnotes',
  ...(CLIENT_SECRET === undefined ? {} : { clientSecret: CLIENT_SECRET }),
  port,
  now: () => Math.floor(Date.now() / 1000),
  ...(HOST === undefined ? {} : { host: HOST }),
  ...(PUBLIC_URL === undefined ? {} : { publicUrl: PUBLIC_URL }),
}).catch((error: NodeJS.ErrnoException) => {
  if (error.syscall !== 'listen') throw error
  console.error(`Port ${port} is not free (${error.code}): set PORT`)
  process.exit(1)
})
console.log(`Fieldnotes is at ${app.url}`)
