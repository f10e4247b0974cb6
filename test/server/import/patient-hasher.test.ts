import { expect } from 'chai'
import { memoryStorage } from '../../../src/adapters/memory/index.ts'
import { passwordHasher, systemClock, systemRandom } from '../../../src/adapters/crypto/index.ts'
import { createMfa, importedCodes, totp } from '../../../src/index.ts'
import type { PasswordHasher } from '../../../src/ports/services.ts'
import { importPeople, type ImportServices } from '../../../src/server/import/people.ts'
import { patientHasher } from '../../../src/server/import/patient-hasher.ts'

const cheap = passwordHasher({ memoryKib: 8, iterations: 1, maxConcurrent: 64 })

/** Counts the hashes that are computed at the same time. */
function counting(): { hasher: PasswordHasher; most(): number } {
  let [running, most] = [0, 0]
  const hasher: PasswordHasher = {
    ...cheap,
    async hash(secret) {
      running += 1
      most = Math.max(most, running)
      const hash = await cheap.hash(secret)
      running -= 1
      if (secret === 'BROKEN00') throw new Error('no memory')
      return hash
    },
  }
  return { hasher, most: () => most }
}

describe('the hasher of an import', () => {
  it('computes so many hashes at once and no more', async () => {
    const { hasher, most } = counting()
    const { hash } = patientHasher(hasher, 3)
    const begun = Array.from({ length: 50 }, (_, nth) => String(nth))
    const hashes = await Promise.all(begun.map(hash))
    expect(most()).to.equal(3)
    const isRight = await Promise.all(hashes.map((one, nth) => cheap.verify(one, String(nth))))
    expect(isRight).to.deep.equal(begun.map(() => true))
  })

  it('gives the place of a hash that has failed to the next', async () => {
    const { hash } = patientHasher(counting().hasher, 1)
    const results = await Promise.allSettled(['BROKEN00', 'BROKEN00', 'ada'].map(hash))
    expect(results.map(({ status }) => status)).to.deep.equal(['rejected', 'rejected', 'fulfilled'])
    expect(await hash('ben')).to.be.a('string')
  })

  it('is not refused by a queue that lets nobody wait', async () => {
    const short = passwordHasher({ memoryKib: 8, iterations: 1, maxConcurrent: 2, maxQueued: 0 })
    const many = Array.from({ length: 20 }, (_, nth) => String(nth))
    const refused = await Promise.allSettled(many.map(short.hash))
    expect(refused.map(({ status }) => status)).to.include('rejected')
    const patient = patientHasher(short, 2)
    expect(await Promise.all(many.map(patient.hash))).to.have.length(20)
    expect(patient.kind).to.equal(short.kind)
  })

  it('has as many codes of the people of a file at work as it may', async () => {
    const { hasher, most } = counting()
    const storage = memoryStorage({ clock: systemClock })
    const mfa = createMfa({
      issuerName: 'Acme',
      storage,
      encryptionKeys: [Buffer.alloc(32, 7)],
      factors: [totp(), importedCodes()],
      firstEnrolment: () => 'refused',
      hasher: patientHasher(hasher, 6),
    })
    const services: ImportServices = {
      accounts: storage.accounts,
      mfa: { accounts: mfa.accounts, settled: () => mfa.settled() },
      hashKinds: { held: async () => [], note: async () => true } as never,
      todaysKind: '',
      clock: systemClock,
      random: systemRandom,
      record: async () => undefined,
    }
    const lines = (async function* () {
      for (let line = 1; line <= 10; line += 1)
        yield {
          line,
          fields: {
            username: `person-${line}`,
            totp: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP',
            backupCodes: ['abcd-1234', 'efgh-5678', line === 7 ? 'brok-en00' : 'ijkl-9012'],
          },
        }
    })()
    const options = { dryRun: false, emailsVerified: true, defaults: {}, atOnce: 4, codesAtOnce: 6 }
    const run = async (): Promise<void> => {
      for await (const _ of importPeople(services, lines, options));
    }
    expect(await run().catch((error: Error) => error.message)).to.equal('no memory')
    expect(most()).to.equal(6)
    // A stored person has all their codes. The person whose hash has failed is not stored.
    const stored = (await storage.accounts.list({ limit: 99 })).map(({ account }) => account)
    expect(stored).not.to.deep.equal([])
    for (const { id, username } of stored) {
      const { factors } = await mfa.accounts.status(id)
      expect(username).not.to.equal('person-7')
      expect(factors.find(({ factor }) => factor === 'imported-codes')).to.include({ remaining: 3 })
    }
  })
})
