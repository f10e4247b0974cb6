import { randomBytes } from 'node:crypto'

const { ISSUER, PORT, MONGODB_URL, COOKIE_KEYS, APP_URL } = process.env

export const port = Number(PORT ?? 3000)
export const origin = ISSUER ?? `http://localhost:${port}`
export const mongodbUrl = MONGODB_URL ?? 'mongodb://127.0.0.1:27017/existing-provider'
export const cookieKeys = COOKIE_KEYS?.split(',') ?? [randomBytes(32).toString('base64')]

const app = APP_URL ?? 'http://localhost:3001'

/** The relying party of examples/relying-party, and nobody else. */
export const clients = [
  {
    client_id: 'fieldnotes',
    client_secret: 'a-secret-for-an-example-and-nothing-else',
    client_name: 'Fieldnotes',
    redirect_uris: [`${app}/callback`],
    post_logout_redirect_uris: [`${app}/signed-out`],
    grant_types: ['authorization_code', 'refresh_token'],
  },
]
