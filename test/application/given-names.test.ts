import { expect } from 'chai'
import { distinctName } from '../../src/application/authenticator.ts'
import { beginFactor, confirmFactor, describePending } from '../../src/application/enrol-factor.ts'
import type { AnyFactor, ConfirmInput } from '../../src/factors/factor.ts'
import { backupCodes } from '../../src/factors/backup-codes/index.ts'
import { totp } from '../../src/factors/totp/index.ts'
import { ownCode } from '../support/totp.ts'
import { owner, verify } from './person.ts'
import { settledRecord, world, load } from './world.ts'

const ADDING = { rule: 'refused', adding: true } as const
const GROUND = { ...ADDING, locale: 'en', issuer: 'https://id.example.com' }
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'

describe('the name that a factor gives to its authenticator', () => {
  it('is used where the person types none, and gets a number where it is taken', async () => {
    const browsers: ConfirmInput<unknown, unknown>['browser'][] = []
    const plain = totp()
    const named: AnyFactor = {
      ...plain,
      async confirmEnrolment(pending: never, response: never, now: number, given: never) {
        browsers.push((given as ConfirmInput<unknown, unknown>).browser)
        const confirmed = await plain.confirmEnrolment?.(pending, response, now, given)
        return confirmed && { ...confirmed, name: 'Acme\u202eKey' }
      },
    }
    const one = world({ listed: [named, backupCodes()] })
    const mira = await owner(one)
    const add = async (interaction: string, name: string, userAgent: string): Promise<void> => {
      one.clock.advance(30)
      const { epoch } = await settledRecord(one)
      const place = mira.place({ interaction, epoch, detail: { userAgent } })
      expect(await verify(one, 'totp', mira.code(), place)).to.include({ outcome: 'accepted' })
      expect(await beginFactor(one.deps, named, place, GROUND)).to.equal('begun')
      const { record } = await load(one)
      const about = { issuerName: 'Acme', label: 'mira' }
      const page = await describePending(one.deps, named, record, place.interaction, about)
      const code = ownCode({ secret: String(page?.['secret']) }, one.clock.now())
      const ground = { ...ADDING, name }
      const done = await confirmFactor(
        one.deps,
        named,
        place,
        named.parseResponse({ code }),
        ground,
      )
      expect(done).to.include({ outcome: 'enrolled' })
    }
    await add('second', '', FIREFOX)
    await add('third', '', 'unknown')
    await add('fourth', 'My own', FIREFOX)
    await add('fifth', '', FIREFOX)
    const { authenticators } = await settledRecord(one)
    const names = authenticators.filter(({ factor }) => factor === 'totp').map(({ name }) => name)
    expect(names.slice(1)).to.deep.equal(['Acme Key', 'Acme Key 2', 'My own', 'Acme Key 3'])
    const firefox = { browser: 'Firefox', system: 'Linux' }
    expect(browsers.slice(-4)).to.deep.equal([firefox, undefined, firefox, firefox])
  })

  it('stays within the length of a name when it gets a number', () => {
    const long = 'x'.repeat(64)
    expect(distinctName(long, [])).to.equal(long)
    expect(distinctName(long, [long])).to.equal(`${'x'.repeat(62)} 2`)
    expect(distinctName('Key', ['Key', 'Key 2', 'Key 4'])).to.equal('Key 3')
  })
})
