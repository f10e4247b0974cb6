import { expect } from 'chai'
import Koa from 'koa'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Core } from '../../interactions/core.ts'
import { MFA_PROMPT, type MfaDetails } from '../../interactions/mfa/prompt.ts'
import { isOurs, mfaRoutes } from '../../interactions/mfa/routes.ts'
import { recordedName } from '../../interactions/place.ts'
import { sealFirstFactor } from '../../interactions/seal.ts'
import { loadRecord } from '../../src/application/commit.ts'
import { type MfaError } from '../../src/domain/errors.ts'
import { csrfToken } from '../../src/http/csrf.ts'
import { totp } from '../../src/factors/totp/index.ts'
import { challengeFactor, deliveredCodeFactor } from '../../src/testing/factors.ts'
import { ADDRESS, owner, verify, type Owner } from '../application/person.ts'
import { world, type World } from '../application/world.ts'
import { ownCode } from '../support/totp.ts'
import { corePolicy } from './core-policy.ts'

const CID = 'the-authorization'
const BACK = 'http://op.example/auth/uid'
const FACTOR_NOTICE = { page: 'imported-codes', model: () => ({ told: true }) }

interface Answer {
  readonly status: number
  readonly to: string | null
  readonly page: string
  readonly model: Readonly<Record<string, unknown>>
  readonly text: string
  readonly headers: Headers
}

describe('the routes of the second factor', () => {
  let of: World
  let server: Server
  let details: Partial<MfaDetails>
  let notices: readonly object[]
  let epoch: number
  let cookie: string
  let stored: Readonly<Record<string, unknown>>[]

  beforeEach(async () => {
    of = world()
    details = { rule: 'allowed', address: ADDRESS }
    notices = []
    epoch = 1
    cookie = ''
    stored = []
    const app = new Koa()
    app.use(async (ctx, next) => {
      try {
        await next()
      } catch (error) {
        ctx.status = (error as MfaError).status ?? 500
        ctx.body = (error as MfaError).code ?? String(error)
      }
    })
    app.use((ctx, next) => mfaRoutes(coreNow())(ctx, next))
    server = createServer(app.callback())
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  })
  afterEach(() => void server.close())

  function coreNow(): Core {
    const firstFactor = sealFirstFactor(of.deps.box, CID, {
      accountId: 'mira',
      amr: ['pwd'],
      ts: of.clock.now(),
      answeredAt: of.clock.now(),
      epoch,
    })
    const interaction = {
      uid: 'uid',
      cid: CID,
      exp: of.clock.now() + 3600,
      returnTo: BACK,
      params: {},
      prompt: {
        name: MFA_PROMPT,
        details: { mfa: { reason: 'policy', label: 'mira', client: { name: 'A' }, ...details } },
      },
      lastSubmission: { firstFactor },
      result: undefined as Readonly<Record<string, unknown>> | undefined,
      persist: async () => void stored.unshift({ ...interaction.result }),
    }
    return {
      deps: of.deps,
      path: '/mfa',
      links: {},
      notices,
      issuerName: 'Acme',
      serviceName: 'Acme',
      provider: {
        issuer: 'http://op.example',
        interactionDetails: async () => interaction,
        Interaction: { find: async (uid: string) => (uid === 'uid' ? interaction : undefined) },
        Client: { find: async (clientId: string) => ({ clientId }) },
        Session: class {},
        OIDCContext: class {
          entity = (): void => undefined
        },
        createContext: () => ({}),
      },
      ...corePolicy,
      account: async () => ({ accountId: 'mira' }),
      describe: async () => ({ label: 'mira', address: ADDRESS }),
      record: async (_: unknown, accountId: string) => loadRecord(of.deps, accountId),
      views: {
        localeFor: () => 'en',
        render: async (page: string, model: object) => JSON.stringify({ page, model }),
      },
    } as unknown as Core
  }
  async function send(path: string, init: RequestInit = {}): Promise<Answer> {
    const { port } = server.address() as AddressInfo
    const headers = { ...(cookie === '' ? {} : { cookie }), ...init.headers }
    const url = `http://127.0.0.1:${port}/mfa/uid${path}`
    const response = await fetch(url, { redirect: 'manual', ...init, headers })
    const text = await response.text()
    const shown = (text.startsWith('{') ? JSON.parse(text) : {}) as Partial<Answer>
    const set = response.headers.getSetCookie().find((one) => one.startsWith('mfa_codes='))
    if (set !== undefined) cookie = set.split(';')[0] ?? ''
    return {
      status: response.status,
      to: response.headers.get('location'),
      page: shown.page ?? '',
      model: shown.model ?? {},
      text,
      headers: response.headers,
    }
  }
  const post = (path: string, fields: Record<string, string> = {}, headers: object = {}) =>
    send(path, {
      method: 'POST',
      body: new URLSearchParams({
        csrf: csrfToken(of.deps.box, { boundTo: 'uid', purpose: 'mfa' }),
        ...fields,
      }),
      headers: { origin: 'http://op.example', ...headers },
    })
  const brief = ({ status, page, to }: Answer): unknown[] => [status, page === '' ? to : page]

  /** The person has an authenticator app and backup codes, and signs in. */
  async function enrol(): Promise<Owner> {
    const mira = await owner(of)
    epoch = mira.place().epoch
    return mira
  }
  /** The person has just proved the second factor in this interaction. */
  async function prove(): Promise<Owner> {
    const mira = await enrol()
    const place = mira.place({ interaction: recordedName({ uid: 'uid' }) })
    expect(await verify(of, 'totp', mira.code(), place)).to.include({ outcome: 'accepted' })
    return mira
  }

  const POSTS = [
    '/offer',
    '/choose',
    '/verify/totp',
    '/verify/totp/send',
    '/enrol/totp',
    '/enrol/totp/send',
    '/proof',
    '/proof/send',
    '/change',
    '/backup-codes',
    '/backup-codes-low',
    '/not-you',
    '/cancel',
    '/stay',
  ]

  it('R30 take no form of another origin, and none without its token', async () => {
    await enrol()
    for (const path of POSTS) {
      for (const refused of [
        await post(path, {}, { origin: 'http://evil.example' }),
        await post(path, { csrf: 'x' }),
        await post(path, { csrf: csrfToken(of.deps.box, { boundTo: 'other', purpose: 'mfa' }) }),
      ])
        expect([refused.status, refused.text], path).to.deep.equal([403, 'form-forged'])
      expect(stored).to.deep.equal([])
    }
  })

  it('R17 show nothing of a sign-in that has not proved its second factor', async () => {
    await enrol()
    for (const look of [
      () => send('/backup-codes'),
      () => send('/backup-codes.txt'),
      () => post('/backup-codes', { saved: 'yes' }),
      () => send('/backup-codes-low'),
      () => post('/backup-codes-low'),
    ])
      expect((await look()).text).to.equal('interaction-expired')
    expect(brief(await send('/change'))).to.deep.equal([410, null])
  })

  it('begin with the code of an enrolled person, or with their choice', async () => {
    const mira = await enrol()
    expect(brief(await send(''))).to.deep.equal([200, 'totp-verify'])
    expect(brief(await send('/choose'))).to.deep.equal([200, 'mfa-choose'])
    expect(brief(await send('/verify/backup-codes'))).to.deep.equal([200, 'backup-code-verify'])
    expect((await send('/verify/pigeon')).text).to.equal('form-unreadable')
    const chosen = await post('/choose', { factor: 'backup-codes' })
    expect(brief(chosen)).to.deep.equal([303, '/mfa/uid/verify/backup-codes'])
    expect((await post('/choose')).text).to.equal('form-unreadable')
    expect((await post('/verify/totp/send')).text).to.equal('interaction-expired')
    const { code = '' } = mira.code() as { code?: string }
    expect(brief(await post('/verify/totp', { code }))).to.deep.equal([303, BACK])
    expect(stored[0]).to.have.property('login')
  })

  it('begin with the set-up for everybody else', async () => {
    expect(brief(await send(''))).to.deep.equal([303, '/mfa/uid/enrol/totp'])
    expect(brief(await send('/choose'))).to.deep.equal([303, '/mfa/uid'])
    expect(brief(await post('/choose', { factor: 'totp' }))).to.deep.equal([
      303,
      '/mfa/uid/enrol/totp',
    ])
    const page = await send('/enrol/totp')
    expect(brief(page)).to.deep.equal([200, 'totp-enrol'])
    const { secret } = page.model['enrolment'] as { secret: string }
    expect((await post('/enrol/totp/send')).text).to.equal('interaction-expired')
    const code = ownCode({ secret }, of.clock.now())
    expect(brief(await post('/enrol/totp', { code }))).to.deep.equal([303, '/mfa/uid/backup-codes'])
  })

  it('R10 begin with the proof, or refuse, as the rule says', async () => {
    details = { rule: 'mailed-code', address: ADDRESS }
    expect(brief(await send(''))).to.deep.equal([200, 'owner-proof'])
    expect(brief(await send('/proof'))).to.deep.equal([200, 'owner-proof'])
    expect(brief(await post('/proof/send'))).to.deep.equal([303, '/mfa/uid/proof'])
    expect(brief(await post('/proof', { code: 'x' }))).to.deep.equal([400, 'owner-proof'])
    const code = String(of.mails[0]?.values?.['code'])
    expect(brief(await post('/proof', { code }))).to.deep.equal([303, '/mfa/uid'])
    expect(brief(await send(''))).to.deep.equal([303, '/mfa/uid/enrol/totp'])
    of = world()
    details = { rule: 'refused' }
    expect(brief(await send(''))).to.deep.equal([403, 'enrolment-refused'])
  })

  it('R10 begin with the offer where the set-up is only offered, whatever form is sent', async () => {
    details = { ...details, offer: { canSetUp: true, repeated: false } }
    expect(brief(await send(''))).to.deep.equal([200, 'mfa-offer'])
    for (const path of ['/choose', '/enrol/totp', '/enrol/totp/send', '/proof', '/proof/send'])
      expect(brief(await post(path, { factor: 'totp', code: '1' }))).to.deep.equal([
        303,
        '/mfa/uid',
      ])
    expect(brief(await post('/offer', { answer: 'set-up' }))).to.deep.equal([303, '/mfa/uid'])
    expect(stored[0]).to.include({ mfaOffer: 'accepted' }).and.not.to.have.property('login')
    expect(brief(await post('/cancel'))).to.deep.equal([303, BACK])
    expect(stored[0]).to.include({ mfaOffer: 'refused' }).and.to.have.property('login')
  })

  it('R8 show fresh codes, their file, and go on when they are saved', async () => {
    await send('')
    const { secret } = (await send('/enrol/totp')).model['enrolment'] as { secret: string }
    await post('/enrol/totp', { code: ownCode({ secret }, of.clock.now()) })
    const page = await send('/backup-codes')
    expect(brief(page)).to.deep.equal([200, 'backup-codes'])
    const { csrf, codes, downloadName, ...rest } = page.model
    expect(csrf).to.be.a('string')
    expect(rest).to.deep.equal({
      action: '/mfa/uid/backup-codes',
      downloadHref: '/mfa/uid/backup-codes.txt',
    })
    const file = await send('/backup-codes.txt')
    expect(file.headers.get('content-type')).to.equal('text/plain; charset=utf-8')
    expect(file.headers.get('content-disposition')).to.equal(
      `attachment; filename="${String(downloadName)}"`,
    )
    expect(file.headers.get('cache-control')).to.contain('no-store')
    expect(file.text).to.equal(`Acme - mira\n\n${(codes as string[]).join('\n')}\n`)
    expect(brief(await send(''))).to.deep.equal([303, '/mfa/uid/backup-codes'])
    const again = await post('/backup-codes')
    expect(brief(again)).to.deep.equal([422, 'backup-codes'])
    expect(again.model).to.include({ error: 'not-confirmed' })
    expect(brief(await post('/backup-codes', { saved: 'yes' }))).to.deep.equal([303, BACK])
    expect(cookie).to.equal('mfa_codes=')
    for (const path of ['/backup-codes', '/backup-codes.txt'])
      expect((await send(path)).text).to.equal('interaction-expired')
    expect(brief(await post('/backup-codes'))).to.deep.equal([303, BACK])
  })

  it('show the pages between the second factor and the app, each once', async () => {
    notices = [FACTOR_NOTICE]
    const mira = await enrol()
    const { code = '' } = mira.code() as { code?: string }
    const first = await post('/verify/totp', { code })
    expect(brief(first)).to.deep.equal([303, '/mfa/uid/imported-codes'])
    const page = await send('/imported-codes')
    expect([brief(page), page.model]).to.deep.equal([[200, 'imported-codes'], { told: true }])
    expect(brief(await post('/imported-codes'))).to.deep.equal([303, BACK])
    expect((await send('/backup-codes-low')).text).to.equal('interaction-expired')
    expect(brief(await post('/backup-codes-low'))).to.deep.equal([303, '/mfa/uid/imported-codes'])
  })

  it('R11 lead to the change that was asked for, once the second factor is proved', async () => {
    await prove()
    const [phone] = (await loadRecord(of.deps, 'mira')).record.authenticators
    details = { change: { kind: 'rename', authenticatorId: phone?.id ?? '' } }
    expect(brief(await send(''))).to.deep.equal([303, '/mfa/uid/change'])
    expect(brief(await send('/change'))).to.deep.equal([200, 'factor-rename'])
    expect(brief(await post('/change', { name: 'New' }))).to.deep.equal([303, BACK])
    expect((await loadRecord(of.deps, 'mira')).record.authenticators[0]?.name).to.equal('New')
  })

  it('refuse to remove the last factor before a code is spent', async () => {
    await enrol()
    const [phone] = (await loadRecord(of.deps, 'mira')).record.authenticators
    details = { change: { kind: 'remove', authenticatorId: phone?.id ?? '' } }
    expect(brief(await send(''))).to.deep.equal([403, 'factor-remove-refused'])
  })

  it('have a way out: another person, the app without a sign-in, or the first person', async () => {
    await enrol()
    expect(brief(await post('/not-you'))).to.deep.equal([303, BACK])
    expect(stored[0]).to.deep.include({ firstFactor: false })
    expect(brief(await post('/cancel'))).to.deep.equal([303, BACK])
    expect(stored[0]).to.include({ error: 'access_denied' })
    const csrf = csrfToken(of.deps.box, { boundTo: 'uid', purpose: 'switch-account' })
    expect(brief(await post('/stay', { csrf }))).to.deep.equal([303, BACK])
    expect(stored[0]).to.deep.equal({})
  })

  it('R17 have no other person after the second factor', async () => {
    await prove()
    expect((await post('/not-you')).text).to.equal('interaction-expired')
    expect(stored).to.deep.equal([])
  })

  it('send a code by a form alone', async () => {
    of = world({ listed: [deliveredCodeFactor(), totp(), challengeFactor()] })
    expect(brief(await send(''))).to.deep.equal([200, 'mfa-choose'])
    expect(of.mails).to.deep.equal([])
    const chosen = await post('/choose', { factor: 'test-mailed-code' })
    expect(brief(chosen)).to.deep.equal([303, '/mfa/uid/enrol/test-mailed-code'])
    const early = await post('/enrol/test-mailed-code/send')
    expect(brief(early)).to.deep.equal([429, 'test-mailed-code-enrol'])
  })

  it('are those below one path', () => {
    const ours = (path: string): boolean => isOurs({ path: '/mfa' } as Core, { path } as never)
    for (const path of ['/mfa', '/mfa/', '/mfa/uid']) expect(ours(path)).to.equal(true)
    for (const path of ['/', '/mfa2', '/mf', '/x/mfa/uid']) expect(ours(path)).to.equal(false)
  })
})
