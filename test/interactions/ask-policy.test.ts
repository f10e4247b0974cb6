import { expect } from 'chai'
import { askInTurn, askPolicy, type InTurn } from '../../interactions/ask-policy.ts'
import type { Core } from '../../interactions/core.ts'
import { secretBox } from '../../src/adapters/crypto/index.ts'
import { sealState } from '../../src/application/sealed-state.ts'
import { newRecord, type MfaRecord } from '../../src/domain/mfa-record.ts'
import {
  DEFAULT_LEVELS,
  HARDWARE_PROTECTED_ACR,
  type Levels,
} from '../../src/domain/policy/levels.ts'
import type { Proof } from '../../src/domain/policy/proofs.ts'
import { firstProof } from '../../src/domain/policy/session-proofs.ts'
import type { Rule } from '../../src/domain/policy/rules.ts'
import type { AnyFactor } from '../../src/factors/factor.ts'
import { totp } from '../../src/factors/totp/index.ts'
import { importRules } from '../../src/import/rules.ts'

const NOW = 1_800_000_000
const KEY = { kinds: ['possession'], phishingResistant: true } as const
const HARD_KEY = { ...KEY, hardware: true } as const
const LEVELS: Levels = [
  ...DEFAULT_LEVELS,
  { name: 'three', acr: 'urn:three', kinds: 3, phishingResistant: true, hardware: true },
]

/** A factor whose state is a text: `hard` is in hardware, and the settings refuse one that begins with `refused`. */
const keys = (id: string): AnyFactor => ({
  ...totp(),
  id,
  strength: HARD_KEY,
  parseState: (stored) => stored,
  strengthOf: (state: string) => (state.endsWith('hard') ? HARD_KEY : KEY),
  isUsable: (state: string) => !state.startsWith('refused'),
})
const face: AnyFactor = {
  ...totp(),
  id: 'face',
  strength: { kinds: ['inherence'], phishingResistant: false },
}
const factors = [keys('passkey'), keys('token'), face, totp()]
const box = secretBox({ keys: [Buffer.alloc(32, 7)] })
const core = {
  deps: {
    box,
    factors: new Map(factors.map((factor) => [factor.id, factor])),
    rules: importRules,
  },
} as unknown as Core

function recordOf(own: readonly (readonly [factor: string, state: string])[]): MfaRecord {
  const authenticators = own.map(([factor, state], nth) => {
    const place = { id: `id-${nth}`, factor }
    return { ...place, name: '', createdAt: 1, sealed: sealState(box, 'mira', place, state) }
  })
  return { ...newRecord('mira'), authenticators }
}

const proved = (factor: string, strength: Omit<Proof, 'amr' | 'time' | 'factor'>): Proof => ({
  amr: [],
  ...strength,
  factor,
  time: NOW - 1,
})

/** The factors of a person in turn, by a rule for a level, after these proofs of the present request. */
function inTurn(
  require: string,
  own: Parameters<typeof recordOf>[0],
  ...proofs: readonly Proof[]
): InTurn {
  const rules: readonly Rule[] = [{ name: 'all', when: {}, require }]
  const inForce = {
    levels: LEVELS,
    present: () => ({ rules, shadow: [], trustedBrowserSeconds: 0 }),
  }
  const facts = {
    record: recordOf(own),
    request: {
      client: 'app',
      groups: [],
      scopes: [],
      acrs: [],
      isNewBrowser: true,
      isFirstParty: false,
      fresh: false,
      begunAt: NOW - 20,
    },
    demands: [],
    proofs: [firstProof(['pwd'], NOW - 10), ...proofs],
    person: { metAt: {}, mayPostpone: false, postponed: false },
    now: NOW,
  }
  const asking = { ...core, policy: inForce } as Core
  const answer = askPolicy(asking, facts)
  expect(answer.decision.step).to.equal('verify')
  return askInTurn(asking, facts, answer)
}

describe('the factors of a person in turn', () => {
  it('are without one whose every authenticator the settings refuse', () => {
    const own = [
      ['passkey', 'refused soft'],
      ['totp', 'a'],
    ] as const
    expect(inTurn('multi-factor', own)).to.deep.equal({ left: ['totp'], notEnough: [] })
  })

  it('are not enough by a key in hardware that the settings refuse', () => {
    const own = [
      ['passkey', 'soft'],
      ['passkey', 'refused hard'],
      ['token', 'hard'],
    ] as const
    const { left, notEnough } = inTurn(HARDWARE_PROTECTED_ACR, own)
    expect(left).to.deep.equal(['token'])
    expect(notEnough).to.deep.equal(['passkey'])
  })

  it('have a factor until its key in hardware was shown, where several together reach such a level', () => {
    const own = [
      ['passkey', 'soft'],
      ['passkey', 'hard'],
      ['face', 'a'],
    ] as const
    const soft = proved('passkey', KEY)
    const ofFace = proved('face', face.strength!)
    expect(inTurn('urn:three', own).left).to.deep.equal(['passkey', 'face'])
    expect(inTurn('urn:three', own, soft).left).to.deep.equal(['passkey', 'face'])
    expect(inTurn('urn:three', own, soft, ofFace).left).to.deep.equal(['passkey'])
    const hard = proved('passkey', HARD_KEY)
    expect(inTurn('urn:three', own, hard).left).to.deep.equal(['face'])
  })

  it('do not ask for a second key in hardware after one of another factor', () => {
    const own = [
      ['passkey', 'soft'],
      ['passkey', 'hard'],
      ['token', 'hard'],
      ['face', 'a'],
    ] as const
    const proofs = [proved('passkey', KEY), proved('token', HARD_KEY)]
    expect(inTurn('urn:three', own, ...proofs).left).to.deep.equal(['face'])
  })
})
