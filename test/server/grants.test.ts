import { expect } from 'chai'
import type { KoaContextWithOIDC } from 'oidc-provider'
import { existingGrant } from '../../src/server/clients/grants.ts'

class Grant {
  static readonly stored = new Map<string, Grant>()
  readonly accountId: string
  readonly openid: { scope?: string; claims?: string[] } = {}
  saved = 0

  constructor({ accountId }: { accountId: string }) {
    this.accountId = accountId
  }
  static find(id: string): Promise<Grant | undefined> {
    return Promise.resolve(this.stored.get(id))
  }
  addOIDCScope(scope: string): void {
    this.openid.scope = [...new Set(`${this.openid.scope ?? ''} ${scope}`.trim().split(' '))].join(
      ' ',
    )
  }
  getOIDCScope(): string {
    return this.openid.scope ?? ''
  }
  getOIDCClaims(): string[] {
    return this.openid.claims ?? []
  }
  addOIDCClaims(claims: string[]): void {
    this.openid.claims = claims
  }
  save(): Promise<string> {
    this.saved += 1
    return Promise.resolve('id')
  }
}

function ask(about: {
  firstParty: boolean
  accountId?: string
  grantId?: string
}): Promise<Grant | undefined> {
  const oidc = {
    client: { clientId: 'app', first_party: about.firstParty },
    session: { accountId: about.accountId, grantIdFor: () => about.grantId },
    provider: { Grant },
    requestParamOIDCScopes: new Set(['openid', 'email']),
    requestParamScopes: new Set(['openid', 'email']),
    requestParamClaims: new Set<string>(),
  }
  const context = { oidc } as unknown as KoaContextWithOIDC
  const box = {
    macs: (purpose: string, message: string): [string, string] => [
      'by the newest key',
      `${purpose} ${message}`,
    ],
  }
  return existingGrant(context, box) as unknown as Promise<Grant | undefined>
}

describe('the grant of an app', () => {
  beforeEach(() => {
    Grant.stored.clear()
    Grant.stored.set('hers', new Grant({ accountId: 'alice' }))
  })

  it('R17 is not given while nobody is signed in, not to an app of our own either', async () => {
    expect(await ask({ firstParty: true })).to.equal(undefined)
    expect(await ask({ firstParty: true, grantId: 'hers' })).to.equal(undefined)
  })

  it('is the one that this person gave in this session', async () => {
    expect(await ask({ firstParty: false, accountId: 'alice', grantId: 'hers' })).to.equal(
      Grant.stored.get('hers'),
    )
    expect(await ask({ firstParty: false, accountId: 'alice' })).to.equal(undefined)
  })

  it('R17 is never the one that somebody else gave', async () => {
    expect(await ask({ firstParty: false, accountId: 'bob', grantId: 'hers' })).to.equal(undefined)
    const fresh = await ask({ firstParty: true, accountId: 'bob', grantId: 'hers' })
    expect(fresh).to.include({ accountId: 'bob', saved: 1 })
  })

  it('of our own has what it asks for, and is written only when that is more', async () => {
    const grant = await ask({ firstParty: true, accountId: 'alice', grantId: 'hers' })
    expect(grant?.openid).to.deep.equal({ scope: 'openid email', claims: [] })
    expect(grant?.saved).to.equal(1)
    await ask({ firstParty: true, accountId: 'alice', grantId: 'hers' })
    expect(grant?.saved).to.equal(1)
  })

  it('R39 is remembered under a name that only an encryption key gives, also an older one', async () => {
    const remembered = new Grant({ accountId: 'alice' })
    remembered.addOIDCScope('email')
    for (const name of ['by the newest key', 'consent ["alice","app"]']) {
      Grant.stored.set(name, remembered)
      const found = await ask({ firstParty: false, accountId: 'alice' })
      expect(found?.openid.scope, name).to.contain('email')
      Grant.stored.delete(name)
    }
    expect(await ask({ firstParty: false, accountId: 'alice' })).to.equal(undefined)
  })
})
