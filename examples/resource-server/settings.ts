const { env } = process

export const port = Number(env['PORT'] ?? 3003)
export const CLIENT_URL = `http://localhost:${port}`
export const ISSUER = env['ISSUER'] ?? 'http://localhost:3000'
export const API = env['API'] ?? 'http://localhost:3002'
export const AUDIENCE = env['AUDIENCE'] ?? 'https://api.example'
export const CLIENT_ID = env['CLIENT_ID'] ?? 'teller'
export const CLIENT_SECRET = env['CLIENT_SECRET'] ?? ''
