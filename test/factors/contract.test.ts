import { passwordHasher } from '../../src/adapters/crypto/index.ts'
import { backupCodes } from '../../src/factors/backup-codes/index.ts'
import { adoptCodes, readForeignCodes } from '../../src/import/codes.ts'
import { importedCodes } from '../../src/factors/imported-codes/index.ts'
import { passkeys } from '../../src/factors/passkey/index.ts'
import { totp } from '../../src/factors/totp/index.ts'
import { describeFactor, type FactorFixture, type Seen } from '../../src/testing/factor-suite.ts'
import {
  challengeFactor,
  deliveredCodeFactor,
  namedKeyFactor,
  softKey,
} from '../../src/testing/factors.ts'
import { SoftAuthenticator } from '../support/authenticator.ts'
import { ownCode } from '../support/totp.ts'
import { seededRandom } from './seeded-random.ts'

const services = {
  random: seededRandom('contract'),
  hasher: passwordHasher({ memoryKib: 8, iterations: 1 }),
}

let arrivals = 0

const spaced = ({ code = '' }): FactorFixture['wrong'][] => [
  { code: ` ${code.slice(0, 3)} ${code.slice(3)}\n` },
  { code: `${code.slice(0, 3)}\u2013${code.slice(3)}` },
  { code: code.replace(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit))) },
]

describeFactor('totp', {
  ...services,
  factor: totp(),
  holder() {
    let secret = ''
    const codeAt = (at: number) => ({ code: ownCode({ secret }, at) })
    return {
      confirm({ page, at }) {
        secret = String(page.secret)
        return codeAt(at)
      },
      respond: ({ at }) => codeAt(at),
    }
  },
  variations: spaced,
  wrong: { code: '000000' },
  unreadable: [{ code: '' }, { code: '1234567' }, { code: '12345a' }, { backupCode: '123456' }],
})

describeFactor('backupCodes', {
  ...services,
  factor: backupCodes(),
  holder() {
    let used = 0
    return {
      respond({ shown }) {
        used += 1
        return { backupCode: shown[used - 1] ?? '' }
      },
    }
  },
  variations: ({ backupCode = '' }) => [
    { backupCode: backupCode.toLowerCase() },
    { backupCode: backupCode.replaceAll('-', ' ') },
    { backupCode: backupCode.replaceAll('8', 'b').replaceAll('2', 'Z') },
  ],
  wrong: { backupCode: '1-22222-22222-22222' },
  unreadable: [{ backupCode: '1-22222-22222-2222' }, { backupCode: 'U' }, { code: '123456' }],
})

describeFactor('importedCodes', {
  ...services,
  factor: importedCodes(),
  async arrive() {
    arrivals += 1
    const shown = Array.from({ length: 3 }, (_, nth) => `abcd-${arrivals}-${nth}efg`)
    const codes = readForeignCodes(shown)
    if ('fault' in codes) throw new Error(codes.fault)
    return { state: await adoptCodes(codes, services.hasher), shown }
  },
  holder() {
    let used = 0
    return {
      respond({ shown }) {
        used += 1
        return { backupCode: shown[used - 1] ?? '' }
      },
    }
  },
  variations: ({ backupCode = '' }) => [
    { backupCode: ` ${backupCode}\n` },
    { backupCode: backupCode.replaceAll('a', '\uff41') },
  ],
  wrong: { backupCode: 'none-of-these' },
  unreadable: [{ backupCode: 'abc' }, { backupCode: 'x'.repeat(65) }, { code: 'abcd1234' }],
})

for (const [name, factor] of [
  ['a challenge-response factor', challengeFactor()],
  ['a credential that names its owner', namedKeyFactor()],
] as const)
  describeFactor(name, {
    ...services,
    factor,
    holder() {
      const key = softKey()
      const answer = ({ page }: Seen) => ({ credential: key.answer(String(page.challenge)) })
      return { confirm: answer, respond: answer }
    },
    variations: () => [],
    wrong: { credential: softKey().answer('another challenge') },
    unreadable: [{ credential: '{' }, { credential: 'null' }, { credential: '{"counter":1}' }],
  })

for (const [name, counter] of [
  ['passkeys with a counter', 0],
  ['passkeys without a counter', null],
] as const)
  describeFactor(name, {
    ...services,
    factor: passkeys(),
    holder() {
      const key = new SoftAuthenticator({ counter })
      return {
        confirm: ({ page }) => ({ credential: key.create(String(page.options)) }),
        respond: ({ page }) => ({ credential: key.get(String(page.options)) }),
      }
    },
    variations: ({ credential = '' }) => [{ credential: ` ${credential}\n` }],
    wrong: { credential: new SoftAuthenticator().get('{"challenge":"AAAA"}') },
    unreadable: [{ credential: '{' }, { credential: 'null' }, { credential: '{"id":"AAAA"}' }],
  })

describeFactor('a delivered code', {
  ...services,
  factor: deliveredCodeFactor(),
  holder() {
    const type = ({ delivery }: Seen) => ({ code: delivery?.values.code ?? '' })
    return { confirm: type, respond: type }
  },
  variations: spaced,
  wrong: { code: '00000000' },
  unreadable: [{ code: '123456' }, { code: 'abcdefgh' }],
})
