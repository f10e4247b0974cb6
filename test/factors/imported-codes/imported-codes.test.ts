import { createHash } from 'node:crypto'
import { expect } from 'chai'
import fc from 'fast-check'
import { passwordHasher } from '../../../src/adapters/crypto/index.ts'
import { MfaError } from '../../../src/domain/errors.ts'
import type { CodeForm } from '../../../src/factors/imported-codes/code.ts'
import { adoptCodes, readForeignCodes, type ReadCodes } from '../../../src/import/codes.ts'
import {
  importedCodes,
  type ImportedCodesState,
} from '../../../src/factors/imported-codes/index.ts'
import type { PasswordHasher } from '../../../src/ports/services.ts'

const cheap: PasswordHasher = passwordHasher({ memoryKib: 8, iterations: 1 })
const factor = importedCodes()
const SHOWN = ['abcd-1234', 'efgh-5678', 'ijkl-9012']
const UPPER: CodeForm = { letters: 'upper', separators: 'removed' }

function read(given: unknown, form?: CodeForm): ReadCodes {
  const codes = readForeignCodes(given, form)
  if ('fault' in codes) throw new Error(codes.fault)
  return codes
}

async function adopt(given: unknown, form?: CodeForm): Promise<ImportedCodesState> {
  return adoptCodes(read(given, form), cheap)
}

async function proofOf(state: ImportedCodesState, backupCode: string, hasher = cheap) {
  const response = factor.parseResponse({ backupCode })
  if (response === undefined) return undefined
  const examined = await factor.examine({
    states: [{ authenticatorId: 'set', state }],
    challenge: undefined,
    response,
    now: 0,
    hasher,
  })
  return examined.outcome === 'proved' ? examined.proof : undefined
}

const hashed = (algorithm: string, encoding: 'hex' | 'base64' | 'base64url', code: string) =>
  createHash(algorithm).update(code).digest(encoding)

describe('backup codes of another product', () => {
  it('are hashed as many at once as the caller says, one without a word, and keep their order', async () => {
    for (const atOnce of [undefined, 1, 2, 3, 20]) {
      let [running, most] = [0, 0]
      const waiting: (() => void)[] = []
      // The hash that was asked for last is ready first.
      const backwards: PasswordHasher = {
        ...cheap,
        async hash(secret) {
          running += 1
          most = Math.max(most, running)
          await new Promise<void>((done) => {
            waiting.push(done)
            setImmediate(() => waiting.pop()?.())
          })
          running -= 1
          return `hash of ${secret}`
        },
      }
      const { hashes } = await adoptCodes(read(SHOWN), backwards, atOnce)
      expect(hashes).to.deep.equal(
        SHOWN.map((code) => `hash of ${code.replace('-', '').toUpperCase()}`),
      )
      expect(most).to.equal(Math.min(atOnce ?? 1, SHOWN.length))
    }
  })

  it('make the events of backup codes for a used code, and are issued to nobody', () => {
    const proof = { slot: 0, hash: '' }
    expect(factor.eventsOf?.({ what: 'accepted', proof })).to.deep.equal([
      { type: 'backup-code-used' },
    ])
    expect(factor.eventsOf?.({ what: 'issued', renewed: false })).to.deep.equal([])
  })

  it('R8 are kept as argon2id hashes only, each with its own salt', async () => {
    const state = await adopt(['abcd-1234', 'abcd-1234'])
    const stored = JSON.stringify(state)
    expect(stored).not.to.match(/abcd/i)
    const salts = [...stored.matchAll(/\$argon2id\$v=19\$[^$]+\$([^$]+)\$/g)].map(
      ([, salt]) => salt,
    )
    expect(new Set(salts).size).to.equal(2)
    expect(factor.parseState(state)).to.deep.equal(state)
  })

  it('R5 sign in once each, in whatever case and with whatever separators plain ones are typed', async () => {
    let state = await adopt(SHOWN)
    for (const typed of ['ABCD 1234', 'efgh5678', ' IjKl\u20119012 ']) {
      const proof = await proofOf(state, typed)
      if (proof === undefined) throw new Error(`${typed} was refused`)
      const spent = factor.consume(state, proof)
      expect(spent && factor.consume(spent, proof)).to.equal(undefined)
      state = spent ?? state
      expect(await proofOf(state, typed)).to.equal(undefined)
    }
    expect(factor.remaining?.(state)).to.equal(0)
  })

  it('R5 R40 a code that the product hashed twice, each with its own salt, is spent once', async () => {
    const state = await adopt([await cheap.hash('ABCD1234'), await cheap.hash('ABCD1234')], UPPER)
    const proof = await proofOf(state, 'abcd-1234')
    const spent = proof && factor.consume(state, proof)
    if (proof === undefined || spent === undefined) throw new Error('the code was refused')
    expect(factor.remaining?.(spent)).to.equal(0)
    expect(await proofOf(spent, 'abcd-1234')).to.equal(undefined)
    // Another attempt has spent one of them meanwhile.
    for (const slot of [0, 1])
      expect(factor.consume({ ...state, hashes: state.hashes.with(slot, null) }, proof)).to.equal(
        undefined,
      )
  })

  it('distinguish case if the product did', async () => {
    const state = await adopt(['aBcd1234', 'AbCD1234'])
    expect((await proofOf(state, 'aBcd-1234'))?.slot).to.equal(0)
    expect((await proofOf(state, 'AbCD1234'))?.slot).to.equal(1)
    expect(await proofOf(state, 'abcd1234')).to.equal(undefined)
  })

  for (const [algorithm, encoding] of [
    ['sha256', 'hex'],
    ['sha256', 'base64'],
    ['sha256', 'base64url'],
    ['sha512', 'hex'],
    ['sha512', 'base64'],
  ] as const)
    it(`R8 hashed with ${algorithm} in ${encoding} are wrapped, and go on working`, async () => {
      const given = SHOWN.map((code) => hashed(algorithm, encoding, code))
      const state = await adopt(given)
      expect(JSON.stringify(state)).not.to.contain(given[0])
      expect((await proofOf(state, 'efgh-5678'))?.slot).to.equal(1)
      expect(await proofOf(state, 'efgh-5679')).to.equal(undefined)
    })

  it('hashed ones are checked in the form that they were hashed in', async () => {
    const forms: readonly [form: CodeForm, hashedAs: string, typed: string, not: string][] = [
      [{ letters: 'as-is', separators: 'kept' }, 'aB-cd12', 'aB-cd12', 'aBcd12'],
      [{ letters: 'as-is', separators: 'removed' }, 'aBcd12', 'aB-cd12', 'ab-cd12'],
      [{ letters: 'upper', separators: 'kept' }, 'AB-CD12', 'ab-cd12', 'abcd12'],
      [UPPER, 'ABCD12', 'ab cd12', 'abcd13'],
      [{ letters: 'lower', separators: 'removed' }, 'abcd12', 'AB-CD12', 'abcd13'],
    ]
    for (const [form, hashedAs, typed, not] of forms) {
      const state = await adopt([hashed('sha256', 'hex', hashedAs)], form)
      expect(await proofOf(state, typed), typed).not.to.equal(undefined)
      expect(await proofOf(state, not), not).to.equal(undefined)
    }
  })

  it('hashed ones whose form nobody said are accepted in every sensible spelling, once', async () => {
    const spellings: readonly [hashedAs: string, typed: readonly string[], not: string][] = [
      ['ab12cd34ef', ['ab12cd34ef', 'AB12CD34EF', 'AB12C-D34EF', ' ab12c d34ef '], 'ab12cd34e'],
      ['AB12CD34EF', ['ab12cd34ef', 'AB12CD34EF', 'ab12c-d34ef'], 'AB12CD34E0'],
      ['ab12c-d34ef', ['ab12c-d34ef', 'AB12C-D34EF'], 'ab12cd34ef'],
      ['AB12C-D34EF', ['ab12c-d34ef', 'AB12C-D34EF'], 'AB12CD34EF'],
      ['aB-cd12', ['aB-cd12'], 'ab-cd12'],
      ['aBcd12', ['aBcd12', 'aB-cd12'], 'abcd12'],
    ]
    for (const algorithm of ['sha256', 'sha512'])
      for (const [hashedAs, typed, not] of spellings) {
        const others = SHOWN.map((code) => hashed(algorithm, 'hex', code))
        const state = await adopt([...others, hashed(algorithm, 'hex', hashedAs)])
        expect(factor.parseState(state)).to.deep.equal(state)
        expect(await proofOf(state, not), not).to.equal(undefined)
        for (const one of typed) {
          const proof = await proofOf(state, one)
          expect(proof, `${hashedAs} as ${one}`).to.include({ slot: 3 }).and.not.have.key('others')
          const spent = proof && factor.consume(state, proof)
          if (spent === undefined) throw new Error('it was spent')
          expect(factor.remaining?.(spent)).to.equal(3)
          for (const again of typed) expect(await proofOf(spent, again)).to.equal(undefined)
        }
      }
  })

  it('R5 are spent together where a product hashed one code in two spellings', async () => {
    const state = await adopt(['ab12cd34', 'AB12CD34'].map((code) => hashed('sha256', 'hex', code)))
    const proof = await proofOf(state, 'ab12cd34')
    expect(proof && factor.remaining?.(factor.consume(state, proof) ?? state)).to.equal(0)
  })

  it('R33 hashed ones cost the same number of verifications for every typed code and whatever is spent', async () => {
    const codes = Array.from({ length: 20 }, (_, nth) => `code-${nth}000`)
    let state = await adopt(codes.map((code) => hashed('sha256', 'hex', code)))
    const counts = new Set<number>()
    for (const typed of [...codes, ...codes, 'CODE-1000', 'wrong-code', '12345678']) {
      let count = 0
      const counting = {
        ...cheap,
        verify: (...it: [string, string]) => (count++, cheap.verify(...it)),
      }
      const proof = await proofOf(state, typed, counting)
      counts.add(count)
      state = (proof && factor.consume(state, proof)) ?? state
    }
    expect(factor.remaining?.(state)).to.equal(0)
    expect(counts.size).to.equal(1)
    // Six spellings, times the most slots that one selector selects.
    expect([...counts][0]).to.be.oneOf([6, 12, 18])
  })

  it('refuse selectors that are not those of a set', async () => {
    const state = await adopt(SHOWN.map((code) => hashed('sha256', 'hex', code)))
    for (const selectors of [
      [],
      [1, 2],
      [1, 2, 256],
      [1, 2, -1],
      [1, 2, 1.5],
      [1, 2, '3'],
      null,
      'abc',
    ])
      expect(() => factor.parseState({ ...state, selectors })).to.throw(MfaError)
    expect(() => factor.parseState({ ...state, digest: 'none' })).to.throw(MfaError)
  })

  it('argon2id hashes are kept as they are', async () => {
    const hash = await cheap.hash('ABCD1234')
    const state = await adopt([hash], UPPER)
    expect(state).to.have.nested.property('hashes[0]', hash)
    expect(await proofOf(state, 'abcd-1234')).to.deep.equal({ slot: 0, hash })
  })

  it('R33 cost one verification for each slot, whichever it is and whatever is spent', async () => {
    let state = await adopt(SHOWN)
    const verified = async (typed: string): Promise<number> => {
      let count = 0
      const counting = {
        ...cheap,
        verify: (...it: [string, string]) => (count++, cheap.verify(...it)),
      }
      await proofOf(state, typed, counting)
      return count
    }
    expect(await verified('abcd1234')).to.equal(3)
    const proof = await proofOf(state, 'abcd1234')
    state = (proof && factor.consume(state, proof)) ?? state
    for (const typed of ['abcd1234', 'ijkl9012', 'nonsense'])
      expect(await verified(typed)).to.equal(3)
  })

  it('refuse a code that is too short, too long or missing', () => {
    for (const backupCode of ['', 'a-b', 'x'.repeat(65), '-'.repeat(200)])
      expect(factor.parseResponse({ backupCode })).to.equal(undefined)
    expect(factor.parseResponse({})).to.equal(undefined)
  })

  it('R34 have one normal form for each typed code', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (one, other) => {
        const [a, b] = [one, other].map((backupCode) => factor.parseResponse({ backupCode }))
        if (a === undefined || b === undefined) return
        expect(factor.canonical(a) === factor.canonical(b)).to.equal(
          one.normalize('NFKC').trim() === other.normalize('NFKC').trim(),
        )
      }),
    )
  })

  it('R37 are all spent after a restore, for nothing says which were used since', async () => {
    const state = factor.afterRestore?.(await adopt(SHOWN), 0)
    expect(state && factor.remaining?.(state)).to.equal(0)
  })

  it('refuse a stored state of another shape', async () => {
    const state = await adopt(SHOWN)
    for (const change of [
      { form: null },
      { form: { letters: 'mixed', separators: 'kept' } },
      { form: { letters: 'upper', separators: 'some' } },
      { digest: 'md5' },
      { hashes: 'x' },
      { hashes: ['$2b$12$x'] },
    ])
      expect(() => factor.parseState({ ...state, ...change }))
        .to.throw(MfaError)
        .with.property('code', 'record-unreadable')
  })
})
