import express, { type ErrorRequestHandler } from 'express'
import mongoose from 'mongoose'
import { fileURLToPath } from 'node:url'
import { Provider, type Configuration } from 'oidc-provider'
import { backupCodes, createMfa, mailedCode, totp } from 'oidc-provider-mfa'
import { mfaFields, mongooseStorage } from 'oidc-provider-mfa/mongoose'
import { passkeys } from 'oidc-provider-mfa/passkeys'
import { MongoAdapter } from '../../existing-provider/application/adapter.ts'
import { grantAll } from '../../existing-provider/application/consent.ts'
import { makeSomebody, type Person } from '../../existing-provider/application/demonstration.ts'
import { field } from '../../existing-provider/application/forms.ts'
import { listen } from '../../existing-provider/application/listen.ts'
import { sendMail } from '../../existing-provider/application/mail.ts'
import { hashPassword, isPassword } from '../../existing-provider/application/passwords.ts'
import * as settings from '../../existing-provider/application/settings.ts'

const userSchema = new mongoose.Schema<Person>({
  email: { type: String, required: true, unique: true },
  name: String,
  passwordHash: { type: String, required: true },
})
userSchema.plugin(mfaFields, { passwordPath: 'passwordHash' })
const User = mongoose.model('User', userSchema)

const configuration: Configuration = {
  adapter: MongoAdapter,
  clients: settings.clients,
  cookies: { keys: settings.cookieKeys },
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
  features: { devInteractions: { enabled: false } },
  interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
  async findAccount(_ctx, sub) {
    const user = await User.findById(sub)
    if (user === null) return undefined
    const { email, name } = user
    return { accountId: sub, claims: async () => ({ sub, email, email_verified: true, name }) }
  },
}
const keeping = { storage: mongooseStorage(User), encryptionKeys: [process.env.MFA_KEY ?? ''] }
const factors = [passkeys(), totp(), backupCodes()]
const asking = { factors, firstEnrolment: mailedCode(sendMail) }
const mfa = createMfa({ issuerName: 'Acme', account: true, ...keeping, ...asking })
const provider = new Provider(`${settings.origin}/oidc`, mfa.configure(configuration))
mfa.attach(provider)

const app = express()
app.use(express.json())

app.get('/interaction/:uid', (_req, res) => {
  res.sendFile(fileURLToPath(new URL('../front-end.html', import.meta.url)))
})

app.get('/interaction/:uid/details', async (req, res) => {
  const { prompt, params } = await provider.interactionDetails(req, res)
  const passkey = prompt.name === 'login' && (await mfa.passkeySignIn(req, res))
  res.json({ prompt: prompt.name, app: params.client_id, passkey })
})

app.post('/interaction/:uid/login', async (req, res) => {
  const user = await User.findOne({ email: field(req.body, 'email') })
  const known = await isPassword(field(req.body, 'password'), user?.passwordHash)
  if (user === null || !known) {
    res.status(401).json({ error: 'The email or the password is wrong.' })
    return
  }
  const location = await mfa.interactionResult(req, res, { login: { accountId: user.id } })
  res.json({ location })
})

app.post('/interaction/:uid/consent', async (req, res) => {
  const consent = await grantAll(provider, req, res)
  res.json({ location: await provider.interactionResult(req, res, { consent }) })
})

app.post('/password', async (req, res) => {
  const user = await User.findOne({ email: field(req.body, 'email') })
  const known = await isPassword(field(req.body, 'password'), user?.passwordHash)
  if (user === null || !known) return void res.sendStatus(401)
  user.passwordHash = await hashPassword(field(req.body, 'new'))
  await user.save()
  await sendMail({ to: user.email, subject: 'Your password was changed', text: 'By you?' })
  res.sendStatus(204)
})

app.use('/oidc', provider.callback())
app.all('/interaction/:uid/passkey', provider.callback())

const answerError: ErrorRequestHandler = (
  error: { name: string; status?: number },
  _req,
  res,
  next,
) => {
  console.error(error)
  if (res.headersSent) return next(error)
  res.status(error.status ?? 500).json({ error: error.name })
}
app.use(answerError)

await mongoose.connect(settings.mongodbUrl)
await makeSomebody(User)
await listen(app, provider.issuer)
