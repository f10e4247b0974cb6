import { expect } from 'chai'
import type { Core } from '../../interactions/core.ts'
import { isSwitching, showSwitchAccount, stay } from '../../interactions/login/switch-account.ts'
import { secretBox } from '../../src/adapters/crypto/index.ts'

const box = secretBox({ keys: [Buffer.alloc(32, 7)] })
const BACK = 'http://op.example/auth/uid'

interface Given {
  readonly interaction?: object | undefined
  readonly session?: object | undefined
  readonly route?: string
  readonly status?: number
  readonly params?: object
}

const MIRA = { accountId: 'mira', state: { secret: 'the-xsrf' } }

/** A provider that has just answered a resume in which noor signs in, and mira has the session. */
function requestWith(given: Given = {}) {
  const { params = {}, route = 'resume', status = 200 } = given
  const rendered: unknown[][] = []
  const headers: Record<string, string> = {}
  const stored: unknown[] = []
  const open = {
    returnTo: BACK,
    lastSubmission: { login: { accountId: 'noor' } },
    result: undefined as unknown,
    persist: async () => void stored.push(open.result),
  }
  const provider = {
    issuer: 'http://op.example',
    pathFor: (name: string) => `/path-of/${name}`,
    Interaction: { find: async (uid: string) => (uid === 'uid' ? open : undefined) },
  }
  const core = {
    deps: { box },
    path: '/mfa',
    provider,
    serviceName: 'Acme',
    links: { help: '/help' },
    account: async (_: unknown, accountId: string) =>
      accountId === 'mira' ? { accountId } : undefined,
    describe: async ({ accountId }: { accountId: string }) => ({
      label: `${accountId}@example.com`,
    }),
    views: {
      localeFor: ({ uiLocales }: { uiLocales?: string }) => uiLocales ?? 'en',
      render: async (...asked: unknown[]) => (rendered.push(asked), '<html>'),
    },
  } as unknown as Core
  const entity = {
    jti: 'uid',
    params,
    result: { login: { accountId: 'noor' } },
  }
  const ctx = {
    status,
    type: '',
    body: '',
    headers: {},
    set: (all: object) => Object.assign(headers, all),
    oidc: {
      provider,
      route,
      session: 'session' in given ? given.session : MIRA,
      entities: { Interaction: 'interaction' in given ? given.interaction : entity },
    },
  }
  return { core, ctx: ctx as never, seen: ctx, rendered, headers, stored, entity }
}

describe('the page for a second person in one browser', () => {
  it('takes the place of the host’s after a resume with the login of another account', () => {
    const { entity } = requestWith()
    const isIt = (given: Given = {}): boolean => isSwitching(requestWith(given).ctx)
    expect(isIt()).to.equal(true)
    expect(isIt({ route: 'device_resume' })).to.equal(true)
    for (const given of [
      { route: 'authorization' },
      { status: 303 },
      { session: undefined },
      { session: {} },
      { session: { accountId: 'noor' } },
      { interaction: undefined },
      { interaction: { ...entity, result: undefined } },
      { interaction: { ...entity, result: {} } },
    ])
      expect(isIt(given), JSON.stringify(given)).to.equal(false)
    expect(isSwitching({ status: 200 } as never)).to.equal(false)
  })

  it('names both, and has a form for each', async () => {
    const params = { ui_locales: 'fr' }
    const { core, ctx, seen, rendered } = requestWith({ params, status: 500 })
    await showSwitchAccount(core, ctx)
    expect([seen.status, seen.type, seen.body]).to.deep.equal([200, 'html', '<html>'])
    const [page, model, around] = rendered[0] as [string, Record<string, unknown>, unknown]
    expect(page).to.equal('switch-account')
    const { csrf, ...rest } = model
    expect(csrf).to.be.a('string')
    expect(rest).to.deep.equal({
      action: '/path-of/end_session_confirm',
      xsrf: 'the-xsrf',
      stayAction: '/mfa/uid/stay',
      from: 'mira@example.com',
      to: 'noor',
    })
    expect(around).to.deep.equal({
      issuerName: 'Acme',
      locale: 'fr',
      links: { home: '/', help: '/help' },
    })
  })

  it('R30 has a policy that lets it lead to an app alone', async () => {
    const policyWith = async (params: object): Promise<string> => {
      const { core, ctx, headers } = requestWith({ params })
      await showSwitchAccount(core, ctx)
      return JSON.stringify(headers)
    }
    expect(await policyWith({})).to.contain('form-action')
    expect(await policyWith({ redirect_uri: 'https://a.example/' })).not.to.contain('form-action')
  })

  it('leaves the host’s page where a part is missing', async () => {
    const { entity } = requestWith()
    for (const given of [
      { interaction: undefined },
      { interaction: { ...entity, result: undefined } },
      { session: undefined },
      { session: { state: MIRA.state } },
      { session: { accountId: 'mira' } },
      { session: { accountId: 'mira', state: {} } },
    ]) {
      const { core, ctx, rendered } = requestWith(given)
      await showSwitchAccount(core, ctx)
      expect(rendered, JSON.stringify(given)).to.deep.equal([])
    }
  })

  it('keeps the first person by its own form, and drops the proofs of the second', async () => {
    const { core, ctx, rendered, stored } = requestWith()
    await showSwitchAccount(core, ctx)
    const { csrf } = (rendered[0] as [string, { csrf: string }])[1]
    expect(await stay(core, 'uid', csrf)).to.equal(BACK)
    expect(stored).to.deep.equal([{}])
    const forged = async (uid: string, token?: string): Promise<unknown> =>
      stay(core, uid, token).then(
        () => undefined,
        ({ code, status }: { code: string; status: number }) => [code, status],
      )
    expect(await forged('uid', 'x')).to.deep.equal(['form-forged', 403])
    expect(await forged('uid')).to.deep.equal(['form-forged', 403])
    expect(await forged('other', csrf)).to.deep.equal(['form-forged', 403])
    expect(stored).to.have.length(1)
  })

  it('is over after the sign-in', async () => {
    const { core, ctx, rendered, entity } = requestWith({
      interaction: { jti: 'gone', params: {}, result: { login: { accountId: 'noor' } } },
    })
    expect(entity.jti).to.equal('uid')
    await showSwitchAccount(core, ctx)
    const { csrf } = (rendered[0] as [string, { csrf: string }])[1]
    const error: unknown = await stay(core, 'gone', csrf).catch((reason: unknown) => reason)
    expect(error).to.include({ code: 'interaction-expired', status: 410 })
  })
})
