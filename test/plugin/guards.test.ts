import { expect } from 'chai'
import { errors, type Adapter, type AdapterPayload } from 'oidc-provider'
import type { Core } from '../../interactions/core.ts'
import { sealFirstFactor, sealLogin } from '../../interactions/seal.ts'
import { secretBox } from '../../src/adapters/crypto/index.ts'
import { MULTI_FACTOR_ACR, PASSWORD_ACR } from '../../src/domain/policy/levels.ts'
import { withAccess, withEpoch } from '../../src/host/session.ts'
import { guardAdapter } from '../../src/plugin/guards.ts'

const CID = 'the-authorization'
const NOW = 1_700_000_000
const box = secretBox({ keys: [Buffer.alloc(32, 7)] })
const LOGIN = { accountId: 'mira', acr: PASSWORD_ACR, amr: ['pwd'], ts: NOW, epoch: 3 }
const sealed = sealLogin(box, CID, LOGIN)

type Stored = AdapterPayload & Record<string, unknown>

/** An adapter of one model in memory. `calls` has each change, in order. */
class OneModel {
  readonly rows = new Map<string, Stored>()
  readonly calls: unknown[][] = []
  readonly used = new Set<string>()

  async find(id: string): Promise<Stored | undefined> {
    return this.rows.get(id)
  }
  async findByUid(uid: string): Promise<Stored | undefined> {
    return this.rows.get(uid)
  }
  async upsert(id: string, payload: Stored, expiresIn: number): Promise<void> {
    this.calls.push(['upsert', id, expiresIn])
    this.rows.set(id, payload)
  }
  async destroy(id: string): Promise<void> {
    this.calls.push(['destroy', id])
    this.rows.delete(id)
  }
  async consume(id: string): Promise<void> {
    if (this.used.has(id)) throw new errors.InvalidGrant('used')
    this.used.add(id)
  }
}

describe('the guard of the host’s records', () => {
  let inner: OneModel
  let ended: string[]
  let core: Core
  let epoch: number
  let accessEnded: { clientId: string; times: number }[]
  let session: Record<string, unknown> | undefined
  let adopting: boolean
  const guarded = (model: string): Adapter =>
    guardAdapter(core, () => inner as unknown as Adapter)(model)

  beforeEach(() => {
    inner = new OneModel()
    ended = []
    epoch = 3
    accessEnded = []
    session = undefined
    adopting = false
    const endModel = { revokeByGrantId: async (id: string) => void ended.push(id) }
    core = {
      taken: { configured: true, adapter: false, policy: new WeakSet() },
      deps: { box, clock: { now: () => NOW } },
      get adopting() {
        return adopting
      },
      record: async () => ({ record: { epoch, accessEnded } }),
      provider: {
        Session: { findByUid: async (uid: string) => (uid === 'session' ? session : undefined) },
        Grant: { adapter: { destroy: async (id: string) => void ended.push(`grant ${id}`) } },
        ...Object.fromEntries(
          [
            'AccessToken',
            'AuthorizationCode',
            'BackchannelAuthenticationRequest',
            'DeviceCode',
            'RefreshToken',
          ].map((name) => [name, { revokeByGrantId: endModel.revokeByGrantId }]),
        ),
      },
    } as unknown as Core
  })

  it('wraps the models in which a sign-in is decided, and says that it is in use', () => {
    for (const model of ['Client', 'PushedAuthorizationRequest'])
      expect(guarded(model)).to.equal(inner)
    expect(core.taken.adapter).to.equal(false)
    expect(guarded('Interaction')).not.to.equal(inner)
    expect(core.taken.adapter).to.equal(true)
  })

  it('takes a class of adapters as the host does', () => {
    const names: string[] = []
    class Own extends OneModel {
      constructor(name: string) {
        super()
        names.push(name)
      }
    }
    guardAdapter(core, Own as never)('Session')
    expect(names).to.deep.equal(['Session'])
    // The host calls a function whose prototype was taken away without `new`.
    const made: string[] = []
    function make(name: string) {
      made.push(name)
      return inner
    }
    make.prototype = null
    guardAdapter(core, make as never)('Session')
    expect(made).to.deep.equal(['Session'])
  })

  describe('of an interaction', () => {
    const store = (payload: object) =>
      guarded('Interaction').upsert('uid', { cid: CID, ...payload }, 600)
    const codeOf = async (payload: object): Promise<string | undefined> =>
      store(payload).then(
        () => undefined,
        ({ code }: { code: string }) => code,
      )

    it('R17 stores a login that was sealed for this authorization, and no other', async () => {
      await store({ result: { login: sealed } })
      await store({ lastSubmission: { login: sealed } })
      await store({
        result: { firstFactor: sealFirstFactor(box, CID, { ...LOGIN, answeredAt: 1 }) },
      })
      expect(inner.calls).to.have.length(3)
      for (const login of [
        { accountId: 'mira' },
        { ...sealed, accountId: 'eve' },
        sealLogin(box, 'another', LOGIN),
        null,
      ])
        for (const results of [{ result: { login } }, { lastSubmission: { login } }])
          expect(await codeOf(results)).to.equal('login-not-sealed')
      expect(await codeOf({ cid: undefined, result: { login: sealed } })).to.equal(
        'login-not-sealed',
      )
      expect(inner.calls).to.have.length(3)
    })

    it('keeps the time for which it is stored', async () => {
      await store({})
      expect(inner.calls).to.deep.equal([['upsert', 'uid', 600]])
    })

    it('R17 leaves a login without a seal out of the answers of earlier pages', async () => {
      const lastSubmission = { login: { accountId: 'mira' }, note: 1 }
      inner.rows.set('uid', { cid: CID, lastSubmission })
      const found = (await guarded('Interaction').find('uid')) as Stored
      expect(found['lastSubmission']).to.deep.equal({ note: 1 })
    })

    it('keeps a sealed login, and an interaction without any', async () => {
      for (const payload of [
        { cid: CID, lastSubmission: { login: sealed } },
        { cid: CID, lastSubmission: { note: 1 } },
        { cid: CID },
      ]) {
        inner.rows.set('uid', payload as Stored)
        expect(await guarded('Interaction').find('uid')).to.equal(payload)
      }
      expect(await guarded('Interaction').find('gone')).to.equal(undefined)
    })

    it('is ended where no request is under way', async () => {
      await guarded('Interaction').destroy('uid')
      expect(inner.calls).to.deep.equal([['destroy', 'uid']])
    })

    describe('R20 with a consent', () => {
      const consent = { grantId: 'grant' }
      const answered = {
        result: { consent, note: 1 },
        session: { uid: 'session', accountId: 'mira' },
      }
      const begunIn = (changes: object): void => {
        const live = { accountId: 'mira', loginTs: NOW }
        session = { ...live, ...changes }
      }
      const results = () => inner.rows.get('uid')?.['result']

      it('keeps it while the session is of the account’s epoch', async () => {
        begunIn(withEpoch({}, 3))
        await store(answered)
        expect(results()).to.deep.equal({ consent, note: 1 })
      })

      it('leaves it out where the session is of another epoch, of none, or gone', async () => {
        for (const begin of [
          () => begunIn(withEpoch({}, 2)),
          () => begunIn(withEpoch({}, 4)),
          () => begunIn({}),
          () => (session = undefined),
        ]) {
          begin()
          await store(answered)
          expect(results()).to.deep.equal({ note: 1 })
        }
      })

      it('counts a session of before the plugin for the first epoch', async () => {
        epoch = 1
        begunIn({})
        await store(answered)
        expect(results()).to.deep.equal({ consent, note: 1 })
      })

      it('asks for no session where the interaction was begun in none', async () => {
        await store({ result: { consent } })
        await store({ result: { note: 1 }, session: { uid: 'session' } })
        expect(inner.calls).to.have.length(2)
      })
    })
  })

  describe('of a session', () => {
    const levels = async (payload: object): Promise<unknown[]> => {
      inner.rows.set('id', payload as Stored)
      const own = guarded('Session')
      return Promise.all(
        [own.find('id'), own.findByUid('id')].map(
          async (found) => ((await found) as Stored)['acr'],
        ),
      )
    }

    it('R26 has the level that its methods show where the plugin has not made it', async () => {
      const acr = MULTI_FACTOR_ACR
      const low = [PASSWORD_ACR, PASSWORD_ACR]
      expect(await levels({ accountId: 'mira', acr, amr: ['pwd'] })).to.deep.equal(low)
      expect(await levels({ accountId: 'mira', acr })).to.deep.equal(low)
      expect(await levels({ accountId: 'mira' })).to.deep.equal(low)
      expect(await levels({ accountId: 'mira', acr, amr: ['pwd', 'otp'] })).to.deep.equal([
        acr,
        acr,
      ])
    })

    it('stays as it is with an epoch, without a person, or where there is none', async () => {
      const acr = MULTI_FACTOR_ACR
      expect(await levels(withEpoch({ accountId: 'mira', acr }, 1))).to.deep.equal([acr, acr])
      expect(await levels({ acr })).to.deep.equal([acr, acr])
      expect(await guarded('Session').find('gone')).to.equal(undefined)
    })
  })

  describe('of a grant', () => {
    const grant = { accountId: 'mira', clientId: 'app' }

    it('R20 gives a new one the account’s epoch, and leaves that of another alone', async () => {
      await guarded('Grant').upsert('id', grant, 60)
      expect(inner.rows.get('id')).to.deep.equal(withAccess(withEpoch(grant, 3), 0))
      await guarded('Grant').upsert('id', withEpoch(grant, 2), 60)
      expect(inner.rows.get('id')).to.deep.equal(withEpoch(grant, 2))
      await guarded('Grant').upsert('id', { clientId: 'app' }, 60)
      expect(inner.rows.get('id')).to.deep.equal({ clientId: 'app' })
    })

    it('R20 finds it in its own epoch only', async () => {
      const found = async (payload: object) => {
        inner.rows.set('id', payload as Stored)
        return (await guarded('Grant').find('id')) !== undefined
      }
      expect(await found(withEpoch(grant, 3))).to.equal(true)
      for (const other of [2, 4]) expect(await found(withEpoch(grant, other))).to.equal(false)
      expect(await found(grant)).to.equal(false)
      expect(await found({ clientId: 'app' })).to.equal(true)
      epoch = 1
      expect(await found(grant)).to.equal(true)
      expect(await guarded('Grant').find('gone')).to.equal(undefined)
      inner.find = async () => null as never
      expect(await guarded('Grant').find('id')).to.equal(null)
    })
  })

  describe('of a grant of an app whose access was ended twice', () => {
    const grant = withEpoch({ accountId: 'mira', clientId: 'app' }, 3)
    beforeEach(() => {
      accessEnded = [{ clientId: 'app', times: 2 }]
    })

    it('R20 counts a new one from there, and finds none that was made before', async () => {
      await guarded('Grant').upsert('new', { accountId: 'mira', clientId: 'app' }, 60)
      expect(inner.rows.get('new')).to.deep.equal(withAccess(grant, 2))
      for (const [stored, isFound] of [
        [withAccess(grant, 2), true],
        [withAccess(grant, 1), false],
        [grant, false],
        [{ ...grant, clientId: 'other' }, true],
      ] as const) {
        inner.rows.set('id', stored)
        expect((await guarded('Grant').find('id')) !== undefined).to.equal(isFound)
      }
    })
  })

  describe('of a code', () => {
    for (const model of ['AuthorizationCode', 'RefreshToken', 'DeviceCode'])
      it(`R21 ends the grant of a second use: ${model}`, async () => {
        inner.rows.set('id', { grantId: 'the-grant' })
        await guarded(model).consume('id')
        expect(ended).to.deep.equal([])
        const second: unknown = await guarded(model)
          .consume('id')
          .catch((error: unknown) => error)
        expect(second).to.be.instanceOf(errors.InvalidGrant)
        expect(ended.join()).to.contain('the-grant')
      })

    it('of a device is stored as the host makes it', async () => {
      await guarded('DeviceCode').upsert('id', { userCode: 'ABCD' }, 60)
      expect(inner.calls).to.deep.equal([['upsert', 'id', 60]])
      expect(inner.rows.get('id')).to.deep.equal({ userCode: 'ABCD' })
    })

    it('ends nothing where the storage fails, or the code has no grant', async () => {
      inner.rows.set('id', { grantId: 'the-grant' })
      const away = new Error('the storage is away')
      inner.consume = () => Promise.reject(away)
      expect(
        await guarded('RefreshToken')
          .consume('id')
          .catch((e: unknown) => e),
      ).to.equal(away)
      inner.consume = () => Promise.reject(new errors.InvalidGrant('used'))
      for (const row of [{}, undefined]) {
        inner.rows.clear()
        if (row !== undefined) inner.rows.set('id', row)
        const error: unknown = await guarded('RefreshToken')
          .consume('id')
          .catch((e: unknown) => e)
        expect(error).to.be.instanceOf(errors.InvalidGrant)
      }
      expect(ended).to.deep.equal([])
    })
  })
})
