import { expect } from 'chai'
import fc from 'fast-check'
import { formatRecord, parseRecord } from '../../src/application/record-format.ts'
import { MfaError } from '../../src/domain/errors.ts'
import { EVENT_TYPES, type EventDetail, type MfaEvent } from '../../src/domain/events.ts'
import type { JsonObject } from '../../src/domain/json.ts'
import {
  newRecord,
  type AcceptedAttempt,
  type Delay,
  type History,
  type MfaRecord,
  type Recovery,
  type Throttle,
} from '../../src/domain/mfa-record.ts'

const instant = fc.nat(4_000_000_000)
const text = fc.string({ minLength: 1 })
const delay: fc.Arbitrary<Delay> = fc.record(
  { failures: fc.nat(), until: instant },
  { requiredKeys: ['failures'] },
)
const few = { maxLength: 2 }

/** Any record, with and without each optional member. Add each new member here. */
const anyRecord: fc.Arbitrary<MfaRecord> = fc.record(
  {
    schema: fc.constant(1 as const),
    accountId: fc.constant('mira'),
    epoch: fc.integer({ min: 1 }),
    authenticators: fc.array(
      fc.record(
        {
          id: text,
          factor: text,
          name: fc.string(),
          sealed: text,
          createdAt: instant,
          lastUsedAt: instant,
          renewBy: instant,
          handles: fc.array(text, few),
        },
        { requiredKeys: ['id', 'factor', 'name', 'createdAt', 'sealed'] },
      ),
      few,
    ),
    pending: fc.array(
      fc.record(
        { interaction: text, factor: text, sealed: text, sentTo: text, expiresAt: instant, delay },
        { requiredKeys: ['interaction', 'factor', 'sealed', 'expiresAt', 'delay'] },
      ),
      few,
    ),
    accessEnded: fc.array(fc.record({ clientId: text, times: fc.integer({ min: 1 }) }), few),
    challenges: fc.array(
      fc.record(
        { interaction: text, purpose: text, sentTo: text, sealed: text, expiresAt: instant },
        { requiredKeys: ['interaction', 'purpose', 'sealed', 'expiresAt'] },
      ),
      few,
    ),
    throttle: fc.record(
      {
        failedAt: fc.array(instant, { maxLength: 100 }),
        codesDisabledAt: instant,
        unknownBrowsers: delay,
        passwordSuspectedAt: instant,
      },
      { requiredKeys: ['failedAt', 'unknownBrowsers'] },
    ) satisfies fc.Arbitrary<Throttle>,
    browsers: fc.array(
      fc.record(
        {
          tokenHash: text,
          since: instant,
          lastSeenAt: instant,
          delay,
          failures: fc.nat(),
          name: fc.record({ browser: text, system: text }, { requiredKeys: ['browser'] }),
          network: text,
        },
        { requiredKeys: ['tokenHash', 'since', 'lastSeenAt', 'delay', 'failures'] },
      ),
      few,
    ),
    accepted: fc.array(
      fc.record(
        {
          interaction: text,
          fingerprint: text,
          factor: text,
          authenticatorId: text,
          assurance: fc.record(
            {
              amr: fc.array(text, few),
              kinds: fc.subarray<'knowledge' | 'possession' | 'inherence'>([
                'knowledge',
                'possession',
                'inherence',
              ]),
              phishingResistant: fc.boolean(),
              hardware: fc.constant(true as const),
            },
            { requiredKeys: ['amr', 'kinds', 'phishingResistant'] },
          ),
          at: instant,
          epoch: fc.nat(),
          remaining: fc.nat(),
          spentOn: text,
          challenge: text,
          isProof: fc.constant(true as const),
        },
        {
          requiredKeys: [
            'interaction',
            'fingerprint',
            'factor',
            'authenticatorId',
            'assurance',
            'at',
            'epoch',
          ],
        },
      ) satisfies fc.Arbitrary<AcceptedAttempt>,
      few,
    ),
    proofs: fc.array(
      fc.record({ purpose: text, secretHash: text, at: instant, epoch: fc.nat() }),
      few,
    ),
    history: fc.record(
      {
        firstSignInAt: instant,
        firstEnrolledAt: instant,
        resetAt: instant,
        importedAt: instant,
        mustEnrolSince: instant,
        restoredAt: instant,
        ownerProofs: fc.array(fc.record({ interaction: text, at: instant }), few),
        deliveredAt: fc.array(instant, few),
        passwordByMail: fc.record(
          { at: instant, mailbox: text, provedAt: instant },
          { requiredKeys: ['at', 'mailbox'] },
        ),
        boundOnPasswordAt: instant,
        recoveredAt: instant,
        recoveriesCancelledAt: fc.array(instant, few),
        recoveryFailedAt: fc.array(instant, few),
        resetsVoidUntil: instant,
      },
      { requiredKeys: ['ownerProofs', 'deliveredAt'] },
    ) satisfies fc.Arbitrary<History>,
    events: fc.array(
      fc.record({
        id: text,
        type: fc.constantFrom(...EVENT_TYPES),
        accountId: text,
        at: instant,
        detail: fc.record(
          {
            factor: text,
            authenticatorId: text,
            authenticatorName: text,
            reason: text,
            browser: fc.constantFrom('known' as const, 'unknown' as const),
            clientId: text,
            ip: text,
            userAgent: text,
            upstream: text,
            remaining: fc.nat(),
            until: instant,
            since: instant,
            epoch: fc.nat(),
            count: fc.nat(),
          },
          { requiredKeys: [] },
        ) satisfies fc.Arbitrary<EventDetail>,
      }) as fc.Arbitrary<MfaEvent>,
      few,
    ),
    recovery: fc.record(
      {
        startedAt: instant,
        opensAt: instant,
        endsAt: instant,
        told: fc.constantFrom('half-way' as const, 'opened' as const),
        proof: fc.record({ interaction: text, at: instant }),
      },
      { requiredKeys: ['startedAt', 'opensAt', 'endsAt'] },
    ) satisfies fc.Arbitrary<Recovery>,
    frozenAt: instant,
    trustedBrowsers: fc.array(
      fc.record({
        id: text,
        tokenHash: text,
        previous: fc.array(fc.record({ tokenHash: text, at: instant }), { maxLength: 2 }),
        since: instant,
        until: instant,
        lastUsedAt: instant,
        browser: text,
        epoch: fc.nat(),
      }),
      { maxLength: 2 },
    ),
    offers: fc.array(fc.record({ factor: text, until: instant }, { requiredKeys: ['factor'] })),
    traces: fc.array(fc.record({ factor: text, text }), few),
    rulesMet: fc.dictionary(fc.string({ minLength: 1, maxLength: 100 }), instant, { maxKeys: 3 }),
  },
  {
    requiredKeys: [
      'schema',
      'accountId',
      'epoch',
      'authenticators',
      'pending',
      'challenges',
      'throttle',
      'browsers',
      'accepted',
      'history',
      'events',
    ],
  },
)

/** The record as a database returns it. */
function stored(record: unknown): JsonObject {
  return JSON.parse(JSON.stringify(record)) as JsonObject
}

function refusal(record: JsonObject, accountId = 'mira'): string {
  try {
    parseRecord(record, accountId)
  } catch (error) {
    if (error instanceof MfaError && error.code === 'record-unreadable') return error.message
    throw error
  }
  return 'was read'
}

/** The paths of everything in it, the members of lists too. */
function pathsIn(value: unknown): (string | number)[][] {
  if (typeof value !== 'object' || value === null) return []
  const keys: (string | number)[] = Array.isArray(value) ? [...value.keys()] : Object.keys(value)
  return keys.flatMap((key) => [
    [key],
    ...pathsIn((value as Record<string | number, unknown>)[key]).map((path) => [key, ...path]),
  ])
}

function replaced(record: JsonObject, path: readonly (string | number)[], by: unknown): JsonObject {
  const copy = structuredClone(record) as Record<string | number, unknown>
  const parent = path
    .slice(0, -1)
    .reduce((inner, key) => inner[key] as Record<string | number, unknown>, copy)
  parent[path.at(-1)!] = by
  return stored(copy)
}

describe('a stored record', () => {
  it('comes back as it went in, every member of it', () => {
    fc.assert(
      fc.property(anyRecord, (record) => {
        expect(parseRecord(stored(formatRecord(record)), 'mira')).to.deep.equal(record)
      }),
    )
  })

  it('R32 that does not parse is refused, never read as an account without a factor', () => {
    fc.assert(
      fc.property(fc.object(), (garbage) => {
        expect(refusal(stored(garbage))).to.match(/^The MFA record/)
      }),
    )
  })

  it('R32 is refused when a single value in it is of another kind', () => {
    const wrong = fc.constantFrom(-1, 0.5, true, null, {}, [[]], '1e3 ')
    fc.assert(
      fc.property(anyRecord, fc.nat(), wrong, (record, index, value) => {
        const whole = stored(record)
        const paths = pathsIn(whole)
        const path = paths[index % paths.length]!
        const changed = replaced(whole, path, value)
        const answer = refusal(changed)
        if (answer !== 'was read') return
        // If the changed record is accepted, the new value has the right type for its place.
        expect(stored(parseRecord(changed, 'mira'))).to.deep.equal(changed)
      }),
      { numRuns: 300 },
    )
  })

  it('R32 is refused without any of its parts', () => {
    const whole = stored(newRecord('mira'))
    for (const part of Object.keys(whole))
      expect(refusal(stored({ ...whole, [part]: undefined })), part).to.include('does not parse')
  })

  it('R32 of a newer version is refused, and says which version to run', () => {
    expect(refusal(stored({ ...newRecord('mira'), schema: 2 }))).to.include('newer than 1')
    expect(refusal({ schema: 7, everything: 'else' })).to.include('has schema 7')
  })

  it('of an older version goes through every step, in order', () => {
    const steps: number[] = []
    const step = (from: number) => (older: JsonObject) => {
      steps.push(from)
      return { ...older, epoch: Number(older['epoch']) + from }
    }
    const upgrades = { [-2]: step(-2), [-1]: step(-1), 0: step(0) }
    const older = stored({ ...newRecord('mira'), schema: -2, epoch: 10 })
    expect(parseRecord(older, 'mira', upgrades)).to.deep.include({ schema: 1, epoch: 7 })
    expect(steps).to.deep.equal([-2, -1, 0])
    expect(() => parseRecord(older, 'mira', { [-2]: step(-2) })).to.throw(MfaError)
  })

  it('R32 of a version that never existed is refused', () => {
    for (const schema of [0, -1, 0.5, '1', null])
      expect(refusal(stored({ ...newRecord('mira'), schema }))).to.include('schema')
  })

  it('R35 of another account is refused: it would bring the other one’s factors with it', () => {
    fc.assert(
      fc.property(fc.string(), (accountId) => {
        fc.pre(accountId !== 'mira')
        expect(refusal(stored(newRecord('mira')), accountId)).to.include('another account')
      }),
    )
  })

  it('R31 is refused with a message that holds none of its values', () => {
    const record = { ...newRecord('mira'), epoch: 'secret-value' }
    expect(refusal(stored(record))).to.equal('The MFA record does not parse: epoch')
  })

  it('has no member with the name of an inherited one', () => {
    const json = JSON.stringify(newRecord('mira')).replace('{', '{"__proto__":{"polluted":1},')
    expect(parseRecord(JSON.parse(json) as JsonObject, 'mira')).not.to.have.property('polluted')
  })
})
