import { expect } from 'chai'
import { beginFactor } from '../../src/application/enrol-factor.ts'
import { checkOwnerCode, sendOwnerCode } from '../../src/application/prove-owner.ts'
import { sendChallenge } from '../../src/application/challenge-factor.ts'
import { backupCodes } from '../../src/factors/backup-codes/index.ts'
import { totp } from '../../src/factors/totp/index.ts'
import { deliveredCodeFactor } from '../../src/testing/factors.ts'
import type { MfaRecords } from '../../src/ports/mfa-records.ts'
import { memoryStorage } from '../../src/adapters/memory/index.ts'
import { ADDRESS, confirm, factorOf, owner, verify } from './person.ts'
import { heardOf, placeOf, settledRecord, world } from './world.ts'

describe('a whole life of an account', () => {
  it('R31 R35 leaves no code and no secret in any event, nor in any record that was stored', async () => {
    const written: string[] = []
    const { records } = memoryStorage()
    const watched: MfaRecords = {
      ...records,
      save: (accountId, record, version) => {
        written.push(JSON.stringify(record))
        return records.save(accountId, record, version)
      },
    }
    const one = world({
      records: watched,
      listed: [totp(), backupCodes(), deliveredCodeFactor()],
    })
    const typed: string[] = []

    const theo = placeOf({ accountId: 'theo', epoch: 1 })
    await sendOwnerCode(one.deps, theo, { address: ADDRESS, app: 'Fieldnotes', locale: 'en' })
    for (const code of ['83927465', one.mails[0]!.values.code!]) {
      typed.push(code)
      await checkOwnerCode(one.deps, theo, code)
    }
    one.clock.advance(60)
    const mailed = factorOf(one, 'test-mailed-code')
    await beginFactor(one.deps, mailed, theo, {
      rule: 'mailed-code',
      address: ADDRESS,
      locale: 'en',
      issuer: 'https://id.example.com',
    })
    const confirming = one.mails.at(-1)!.values.code!
    typed.push(confirming)
    await confirm(one, 'test-mailed-code', { code: confirming }, theo)
    one.clock.advance(60)
    await sendChallenge(
      one.deps,
      mailed,
      { ...theo, epoch: 2 },
      { locale: 'en', issuer: 'https://id.example.com' },
    )
    typed.push(one.mails.at(-1)!.values.code!)

    const mira = await owner(one)
    const forms = [mira.code(), mira.code(), mira.code(-120), mira.wrong, { code: '918273' }]
    for (const [index, form] of forms.entries()) {
      typed.push(form.code!)
      await verify(one, 'totp', form, mira.place({ interaction: `sign-in ${index}` }))
    }
    for (const backupCode of [mira.codes[0]!, mira.codes[0]!])
      await verify(one, 'backup-codes', { backupCode }, mira.place({ interaction: backupCode[1]! }))

    const heard = await heardOf(one)
    expect(new Set(heard.map(({ type }) => type))).to.include('factor-refused')
    await settledRecord(one)
    const evidence = [JSON.stringify(heard), ...written].join('\n')
    const symbols = mira.codes.map((code) => code.replaceAll('-', '').slice(1))
    for (const secret of [mira.secret, ...typed, ...mira.codes, ...symbols])
      expect(evidence.includes(secret), secret).to.equal(false)
  })
})
