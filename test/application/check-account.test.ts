import { expect } from 'chai'
import { memoryStorage } from '../../src/adapters/memory/index.ts'
import { passwordHasher } from '../../src/adapters/crypto/index.ts'
import type { JsonObject } from '../../src/domain/json.ts'
import {
  backupCodes,
  createMfa,
  importedCodes,
  MfaError,
  totp,
  type MfaOptions,
} from '../../src/index.ts'

const FIELDS = {
  totp: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP',
  backupCodes: ['7KQ4M-WXA9R-TDHN3'],
}

describe('accounts.check', () => {
  const clock = { now: () => 1_800_000_000 }
  const storage = memoryStorage({ clock })
  const open = (options: Partial<MfaOptions> = {}) =>
    createMfa({
      issuerName: 'Acme',
      storage,
      encryptionKeys: [Buffer.alloc(32, 7)],
      factors: [totp(), backupCodes(), importedCodes()],
      firstEnrolment: 'password',
      hasher: passwordHasher({ memoryKib: 8, iterations: 1 }),
      clock,
      ...options,
    })
  const outcome = async (id: string, options?: Partial<MfaOptions>): Promise<string> => {
    try {
      await open(options).accounts.check(id)
      return 'opens'
    } catch (error) {
      if (error instanceof MfaError) return error.code
      throw error
    }
  }

  before(async () => {
    const mfa = open()
    for (const id of ['mira', 'noor']) await mfa.accounts.import(id, FIELDS)
    await mfa.settled()
  })

  it('opens every value that a sign-in would open; an account without a factor has none', async () => {
    expect(await outcome('mira')).to.equal('opens')
    expect(await outcome('nobody')).to.equal('opens')
  })

  it('R35 rejects with the error that would stop the sign-in', async () => {
    expect(await outcome('mira', { encryptionKeys: [Buffer.alloc(32, 8)] })).to.equal('key-missing')
    expect(await outcome('mira', { factors: [totp()] })).to.equal('options-invalid')
    const { record, version } = (await storage.records.load('mira'))!
    const { record: other } = (await storage.records.load('noor'))!
    const moved = { ...record, authenticators: other!['authenticators'] } as JsonObject
    expect(await storage.records.save('mira', moved, version)).to.equal(true)
    expect(await outcome('mira')).to.equal('seal-broken')
  })
})
