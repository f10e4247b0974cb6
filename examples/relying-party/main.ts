import { startRelyingParty } from './relying-party.ts'

const { ISSUER, CLIENT_ID, CLIENT_SECRET, PORT, HOST, PUBLIC_URL } = process.env

const app = await startRelyingParty({
  issuer: ISSUER ?? 'http://localhost:3000',
  clientId: CLIENT_ID ?? 'fieldnotes',
  ...(CLIENT_SECRET === undefined ? {} : { clientSecret: CLIENT_SECRET }),
  port: Number(PORT ?? 3001),
  ...(HOST === undefined ? {} : { host: HOST }),
  ...(PUBLIC_URL === undefined ? {} : { publicUrl: PUBLIC_URL }),
})
console.log(`Fieldnotes is at ${app.url}`)
