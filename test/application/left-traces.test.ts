import { expect } from 'chai'
import { commit } from '../../src/application/commit.ts'
import { resetAccount } from '../../src/application/manage-accounts.ts'
import { pageDataOf } from '../../src/application/page-data.ts'
import type { MfaRecord } from '../../src/domain/mfa-record.ts'
import { backupCodes } from '../../src/factors/backup-codes/index.ts'
import type { AnyFactor } from '../../src/factors/factor.ts'
import { totp } from '../../src/factors/totp/index.ts'
import { addTablet, owner, type Owner } from './person.ts'
import { load, nodeBeside, settledRecord, world, type World } from './world.ts'

/** An app whose trace is the last letters of its key, and which shows everything that it is given. */
function tracedTotp(traceOf: AnyFactor['traceOf'] = ({ secret }) => String(secret).slice(-8)) {
  const factor: AnyFactor = {
    ...totp(),
    pageData: (states, _about, traces) => ({ left: states.length, traces }),
    traceOf,
  }
  return factor
}

const ABOUT = { label: 'Mira', issuer: 'https://id.example.com' }

describe('the traces that a removed authenticator leaves', () => {
  let one: World
  let mira: Owner
  beforeEach(async () => {
    one = world({ listed: [tracedTotp(), backupCodes()] })
    mira = await owner(one)
  })

  const drop = async (which: (one: MfaRecord['authenticators'][number]) => boolean, of = one) =>
    commit(of.deps, 'mira', (record) => ({
      outcome: undefined,
      record: {
        ...record,
        authenticators: record.authenticators.filter((each) => !which(each)),
      },
    }))
  const dataOf = async (of = one) => pageDataOf(of.deps, (await load(of)).record, ABOUT)
  const tracesIn = async () => (await settledRecord(one)).traces

  it('are kept with its removal, and the page of the account gets them', async () => {
    expect(await dataOf()).to.deep.equal([{ factor: 'totp', data: { left: 1, traces: [] } }])
    const tablet = await addTablet(one, mira)
    expect(await tracesIn()).to.equal(undefined)
    await drop(({ id }) => id !== tablet)
    const text = (await tracesIn())?.[0]?.text ?? ''
    expect(text).to.match(/^.{8}$/)
    expect(await dataOf()).to.deep.equal([{ factor: 'totp', data: { left: 1, traces: [text] } }])
    await drop(({ id }) => id === tablet)
    expect((await tracesIn())?.map(({ factor }) => factor)).to.deep.equal(['totp', 'totp'])
    const [shown] = await dataOf()
    expect(shown?.data['left']).to.equal(0)
    expect(shown?.data['traces']).to.have.length(2).and.to.include(text)
  })

  it('are kept by a reset too, and by no other change', async () => {
    await commit(one.deps, 'mira', (record) => ({
      outcome: undefined,
      record: { ...record, authenticators: record.authenticators.map((each) => ({ ...each })) },
    }))
    expect(await tracesIn()).to.equal(undefined)
    await resetAccount(one.deps, 'mira', {})
    expect(await tracesIn()).to.have.length(1)
  })

  it('are missing where the seal is broken, and the removal is made all the same', async () => {
    const other = nodeBeside(one, {
      listed: [tracedTotp(), backupCodes()],
      key: Buffer.alloc(32, 9),
    })
    await drop(() => true, other)
    const { authenticators, traces } = await settledRecord(one)
    expect([authenticators, traces]).to.deep.equal([[], undefined])
  })

  it('are left by no factor without one, nor with a text that no record keeps', async () => {
    for (const listed of [[totp()], [tracedTotp(() => '')], []]) {
      const of = nodeBeside(one, { listed })
      await drop(({ factor }) => factor === 'totp', of)
      expect((await settledRecord(one)).traces).to.equal(undefined)
      expect(await dataOf(of)).to.deep.equal([])
    }
  })
})
