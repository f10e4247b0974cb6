import { bodyParser } from '@koa/bodyparser'
import { Router } from '@koa/router'
import Koa from 'koa'
import mount from 'koa-mount'
import mongoose from 'mongoose'
import { Provider, type Configuration } from 'oidc-provider'
import { backupCodes, createMfa, mailedCode, totp } from 'oidc-provider-mfa'
import { mfaFields, mongooseStorage } from 'oidc-provider-mfa/mongoose'
import { passkeys } from 'oidc-provider-mfa/passkeys'
import { MongoAdapter } from '../application/adapter.ts'
import { grantAll } from '../application/consent.ts'
import { makeSomebody, type Person } from '../application/demonstration.ts'
import { field } from '../application/forms.ts'
import { listen } from '../application/listen.ts'
import { sendMail } from '../application/mail.ts'
import { consentPage, loginPage } from '../application/pages.ts'
import { hashPassword, isPassword } from '../application/passwords.ts'
import { clients, cookieKeys, mongodbUrl, origin } from '../application/settings.ts'

const userSchema = new mongoose.Schema<Person>({
  email: { type: String, required: true, unique: true },
  name: String,
  passwordHash: { type: String, required: true },
})
userSchema.plugin(mfaFields, { passwordPath: 'passwordHash' })
const User = mongoose.model('User', userSchema)

const configuration: Configuration = {
  adapter: MongoAdapter,
  clients,
  cookies: { keys: cookieKeys },
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
const provider = new Provider(origin, mfa.configure(configuration))
mfa.attach(provider)

const router = new Router()

router.get('/interaction/:uid', async (ctx) => {
  const { uid, prompt, params } = await provider.interactionDetails(ctx.req, ctx.res)
  ctx.type = 'html'
  ctx.body = prompt.name === 'login' ? loginPage(uid) : consentPage(uid, params.client_id)
  if (prompt.name !== 'login') return
  const { html } = await mfa.passkeySignIn(ctx.req, ctx.res)
  ctx.body = loginPage(uid).replace('</body>', () => `${html}</body>`)
})

router.post('/interaction/:uid/login', async (ctx) => {
  const { uid } = await provider.interactionDetails(ctx.req, ctx.res)
  const user = await User.findOne({ email: field(ctx.request.body, 'email') })
  const known = await isPassword(field(ctx.request.body, 'password'), user?.passwordHash)
  if (user === null || !known) {
    ctx.status = 401
    ctx.type = 'html'
    ctx.body = loginPage(uid, 'The email or the password is wrong.')
    return
  }
  ctx.respond = false
  await mfa.interactionFinished(ctx.req, ctx.res, { login: { accountId: user.id } })
})

router.post('/interaction/:uid/consent', async (ctx) => {
  const consent = await grantAll(provider, ctx.req, ctx.res)
  ctx.respond = false
  await provider.interactionFinished(ctx.req, ctx.res, { consent })
})

router.post('/password', async (ctx) => {
  const user = await User.findOne({ email: field(ctx.request.body, 'email') })
  const known = await isPassword(field(ctx.request.body, 'password'), user?.passwordHash)
  if (user === null || !known) return void (ctx.status = 401)
  user.passwordHash = await hashPassword(field(ctx.request.body, 'new'))
  await user.save()
  await sendMail({ to: user.email, subject: 'Your password was changed', text: 'By you?' })
  ctx.status = 204
})

const app = new Koa()
app.keys = cookieKeys
app.use(bodyParser())
app.use(router.routes())
app.use(mount(provider))

await mongoose.connect(mongodbUrl)
await makeSomebody(User)
await listen(app.callback(), origin)
