import { expect } from 'chai'
import fc from 'fast-check'
import { passwordHasher } from '../../../src/adapters/crypto/index.ts'
import { MfaError } from '../../../src/domain/errors.ts'
import { ALPHABET, formatCode, INDEXES } from '../../../src/factors/backup-codes/code.ts'
import { backupCodes, type BackupCodesState } from '../../../src/factors/backup-codes/index.ts'
import type { PasswordHasher } from '../../../src/ports/services.ts'
import { seededRandom } from '../seeded-random.ts'

const cheap: PasswordHasher = passwordHasher({ memoryKib: 8, iterations: 1 })
const factor = backupCodes()
const random = seededRandom('backup codes')

/** A hasher that records which hashes it has verified. */
function spy(): { hasher: PasswordHasher; verified: string[] } {
  const verified: string[] = []
  const verify: PasswordHasher['verify'] = (phc, secret) => {
    verified.push(phc)
    return cheap.verify(phc, secret)
  }
  return { hasher: { ...cheap, verify }, verified }
}

async function issue(): Promise<{ state: BackupCodesState; shown: readonly string[] }> {
  const issued = await factor.issue?.({ random, hasher: cheap })
  if (issued === undefined) throw new Error('nothing was issued')
  return issued
}

function examine(state: BackupCodesState, typed: string, hasher = cheap) {
  const response = factor.parseResponse({ backupCode: typed })
  if (response === undefined) throw new Error('this is no code')
  return factor.examine({
    states: [{ authenticatorId: 'set', state }],
    challenge: undefined,
    response,
    now: 0,
    hasher,
  })
}

describe('backup codes', () => {
  it('make events of their own for a used code, a new set and a renewed set', () => {
    const told = (happened: Parameters<NonNullable<typeof factor.eventsOf>>[0]) =>
      factor.eventsOf?.(happened)
    const proof = { slot: 0, hash: '' }
    expect(told({ what: 'accepted', proof })).to.deep.equal([{ type: 'backup-code-used' }])
    expect(told({ what: 'issued', renewed: false })).to.deep.equal([
      { type: 'backup-codes-created' },
    ])
    expect(told({ what: 'issued', renewed: true })).to.deep.equal([
      { type: 'backup-codes-created', detail: { reason: 'renewed' } },
    ])
    expect(factor.eventTypes).to.have.members(['backup-code-used', 'backup-codes-created'])
  })

  it('R8 are ten, of at least 64 bits each, in an alphabet without lookalikes', async () => {
    const { shown } = await issue()
    expect(shown).to.have.length(10)
    for (const [at, code] of shown.entries()) {
      const letters = code.replaceAll('-', '')
      expect(factor.parseResponse({ backupCode: code })?.index).to.equal(String((at + 1) % 10))
      expect(letters).to.match(/^[A-Z]/)
      const symbols = letters.slice(1)
      expect(symbols.length * Math.log2(ALPHABET.length)).to.be.at.least(64)
      expect([...symbols].every((symbol) => ALPHABET.includes(symbol))).to.equal(true)
    }
    expect(new Set(ALPHABET)).to.have.property('size', ALPHABET.length)
    expect(ALPHABET).not.to.match(/[0O1IL5SBZUAE]/)
  })

  it('R8 draw each symbol with the same chance from the randomness they are given', async () => {
    // Every byte once, in turn: a fair draw takes each symbol equally often.
    let next = 0
    const everyByte = {
      bytes: (length: number) => Uint8Array.from({ length }, () => next++ % 256),
    }
    const counts = new Map<string, number>()
    while (next < 256 * 30) {
      const { shown } = (await factor.issue?.({ random: everyByte, hasher: cheap })) ?? {
        shown: [],
      }
      for (const symbol of shown.flatMap((code) => [...code.replaceAll('-', '').slice(1)]))
        counts.set(symbol, (counts.get(symbol) ?? 0) + 1)
    }
    const [least, most] = [Math.min(...counts.values()), Math.max(...counts.values())]
    expect(counts.size).to.equal(ALPHABET.length)
    expect(most - least).to.be.at.most(10)
  })

  it('R8 are stored only as argon2id hashes, each with its own salt', async () => {
    const { state, shown } = await issue()
    const salts = new Set(state.hashes.map((hash) => hash?.split('$')[4]))
    expect(salts.size).to.equal(10)
    expect(state.hashes.every((hash) => hash?.startsWith('$argon2id$'))).to.equal(true)
    expect(JSON.stringify(state)).not.to.include(shown[0]?.replaceAll('-', '').slice(1))
  })

  it('are hashed one at a time, so that a small queue is enough for them', async () => {
    const narrow = passwordHasher({ memoryKib: 8, iterations: 1, maxConcurrent: 1, maxQueued: 0 })
    const issued = await factor.issue?.({ random, hasher: narrow })
    expect(issued?.shown).to.have.length(10)
  })

  it('are checked against one hash alone, the one that their first character selects', async () => {
    const { state, shown } = await issue()
    const { hasher, verified } = spy()
    expect((await examine(state, shown[3] ?? '', hasher)).outcome).to.equal('proved')
    expect(verified).to.deep.equal([state.hashes[3]])
    const misplaced = `H${shown[3]?.slice(1)}`
    expect((await examine(state, misplaced, hasher)).outcome).to.equal('refused')
  })

  it('R33 cost one verification too when they are spent', async () => {
    const { state, shown } = await issue()
    const examined = await examine(state, shown[0] ?? '')
    if (examined.outcome === 'refused') throw new Error('refused')
    const spent = factor.consume(state, examined.proof)
    if (spent === undefined) throw new Error('it was spent already')
    expect(spent.hashes).to.deep.equal([null, ...state.hashes.slice(1)])
    expect(factor.remaining?.(spent)).to.equal(9)
    const { hasher, verified } = spy()
    expect(await examine(spent, shown[0] ?? '', hasher)).to.deep.equal({ outcome: 'refused' })
    expect(verified).to.have.length(1)
  })

  it('R5 sign in once under parallel attempts that were all examined on the same state', async () => {
    const { state, shown } = await issue()
    const proofs = await Promise.all(
      Array.from({ length: 5 }, () => examine(state, shown[6] ?? '')),
    )
    let stored: BackupCodesState = state
    const won = proofs.filter((examined) => {
      const next =
        examined.outcome === 'proved' ? factor.consume(stored, examined.proof) : undefined
      stored = next ?? stored
      return next !== undefined
    })
    expect(won).to.have.length(1)
    expect(factor.remaining?.(stored)).to.equal(9)
  })

  it('R34 have one normal form however they are typed', () => {
    const symbols = fc.string({ unit: fc.constantFrom(...ALPHABET), minLength: 15, maxLength: 15 })
    const scribble = fc.array(fc.constantFrom('', ' ', '-', '\u2011', '\u200b'), {
      minLength: 16,
      maxLength: 16,
    })
    fc.assert(
      fc.property(
        fc.constantFrom(...INDEXES),
        symbols,
        scribble,
        fc.boolean(),
        (index, code, between, wide) => {
          const typed = [index + code.toLowerCase()]
            .flatMap((text) => [...text])
            .map((letter, at) => (between[at] ?? '') + (wide ? fullWidth(letter) : letter))
            .join('')
          const read = factor.parseResponse({ backupCode: typed })
          expect(read).to.deep.equal(factor.parseResponse({ backupCode: formatCode(index, code) }))
          expect(read).to.deep.equal({ index, symbols: code })
          expect(read && factor.canonical(read)).to.equal(index + code)
        },
      ),
    )
  })

  it('have no digit in front that a list could have put there, and are read as people keep them', async () => {
    const { state, shown } = await issue()
    const [code = ''] = shown
    for (const kept of [
      `1. ${code}`,
      `10) ${code}`,
      `1 ${code}`,
      `\u2022 ${code}`,
      `* ${code}`,
      `"${code}"`,
      `\u201e${code}\u201c`,
      `${code}.`,
      `- ${code},`,
      `(${code.toLowerCase()})`,
    ])
      expect((await examine(state, kept)).outcome, kept).to.equal('proved')
  })

  it('of before, with a digit in front, stay valid, however they were kept', async () => {
    const { state, shown } = await issue()
    const symbols = shown[2]?.replaceAll('-', '').slice(1) ?? ''
    const old = `3-${symbols.slice(0, 5)}-${symbols.slice(5, 10)}-${symbols.slice(10)}`
    for (const kept of [
      old,
      `3. ${old}`,
      `${old}.`,
      old.replace('3-', '3. '),
      old.replaceAll('-', ''),
    ])
      expect((await examine(state, kept)).outcome, kept).to.equal('proved')
  })

  it('take a letter that is not in use for the one digit it resembles, and no other', () => {
    const read = (backupCode: string) => factor.parseResponse({ backupCode })
    expect(read('1-8222K-22222-22222')).to.deep.equal(read('1-BZzzK-22222-22222'))
    for (const [typed, meant] of ['I1', 'l1', 'O0', 's5', 'B8', 'z2'])
      expect(read(`${typed}-22222-22222-22222`)).to.include({ index: meant })
    for (const ambiguous of '015OILSUAE')
      expect(read(`1-2222${ambiguous}-22222-22222`)).to.equal(undefined)
  })

  it('R34 consist of an index and 15 symbols only', () => {
    for (const backupCode of [
      '',
      '1',
      '123456',
      '1-22222-22222-2222',
      '1-22222-22222-222222',
      'X-22222-22222-22222',
    ])
      expect(factor.parseResponse({ backupCode })).to.equal(undefined)
  })

  it('refuse a stored state that is not ten argon2id hashes or spent slots', async () => {
    const { state } = await issue()
    const changed = (value: unknown) =>
      ({ hashes: [...state.hashes.slice(1), value] }) as BackupCodesState
    expect(factor.parseState(changed(null))).to.deep.equal(changed(null))
    for (const stored of [
      { hashes: state.hashes.slice(1) },
      changed('7KQ4M'),
      changed(1),
      changed('$2b$10$x'),
    ])
      expect(() => factor.parseState(stored))
        .to.throw(MfaError)
        .with.property('code', 'record-unreadable')
  })

  it('R26 prove possession, under a name of ours: RFC 8176 has none for a look-up secret', () => {
    expect(factor.assurance({ slot: 0, hash: '' })).to.deep.equal({
      amr: ['backup_code'],
      kinds: ['possession'],
      phishingResistant: false,
    })
  })
})

function fullWidth(letter: string): string {
  return letter.replace(/[!-~]/, (ascii) =>
    String.fromCodePoint(Number(ascii.codePointAt(0)) + 0xfee0),
  )
}
