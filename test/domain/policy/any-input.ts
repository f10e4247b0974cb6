import fc from 'fast-check'
import type {
  AcrRequest,
  PolicyInput,
  PolicyPerson,
  PolicyRequest,
} from '../../../src/domain/policy/input.ts'
import { ownChoice } from '../../../src/domain/policy/judge.ts'
import { DEFAULT_LEVELS, type Levels } from '../../../src/domain/policy/levels.ts'
import type { Proof } from '../../../src/domain/policy/proofs.ts'
import type { Conditions, Enrol, Rule } from '../../../src/domain/policy/rules.ts'
import { AUTHENTICATORS, NOW, PROOFS } from './cases.ts'

const [PASSWORD, MULTI_FACTOR] = DEFAULT_LEVELS as Levels & [unknown, Levels[0]]

/** The levels of different applications, each as strict as the one before it at least. */
const LEVELS: readonly Levels[] = [
  DEFAULT_LEVELS,
  [PASSWORD],
  [PASSWORD, MULTI_FACTOR],
  [PASSWORD, { name: 'staff', acr: 'urn:staff', kinds: 1 }],
  [PASSWORD, { name: 'key', acr: 'urn:key', kinds: 1, phishingResistant: true }, MULTI_FACTOR].map(
    (level, rank) => (rank === 2 ? { ...level, phishingResistant: true } : level),
  ) as unknown as Levels,
  [
    ...DEFAULT_LEVELS,
    { name: 'three', acr: 'urn:three', kinds: 3, phishingResistant: true, hardware: true },
  ],
]

const FACTORS = ['totp', 'backup-codes', 'passkey', 'key']
const AGES = [0, 1, 60, 299, 300, 301, 3_600, 86_400]

const some = <T>(values: readonly T[], maxLength = 3): fc.Arbitrary<T[]> =>
  fc.uniqueArray(fc.constantFrom(...values), { maxLength })
const maybe = <K extends string, T>(key: K, arbitrary: fc.Arbitrary<T>) =>
  fc
    .option(arbitrary, { nil: undefined })
    .map((value) => (value === undefined ? {} : { [key]: value }) as { readonly [Key in K]?: T })
/** One object of several, each of which has some of the members. */
function together<T extends object>(...parts: fc.Arbitrary<Partial<T>>[]): fc.Arbitrary<T> {
  return fc.tuple(...parts).map((members) => Object.assign({}, ...members) as T)
}

const anyTime = fc.constantFrom(...AGES).map((age) => NOW - age)

const anyConditions: fc.Arbitrary<Conditions> = together<Conditions>(
  maybe('client', fc.constantFrom(['app'], ['bank'], ['!app'])),
  maybe('group', fc.constantFrom(['staff'], ['!guests'], ['staff', '!guests'])),
  maybe('network', fc.constantFrom(['inside'], ['!inside'])),
  maybe('newBrowser', fc.boolean()),
)

const anyEnrol: fc.Arbitrary<Enrol> = fc.oneof(
  fc.constantFrom('required' as const, 'optional' as const),
  fc.constantFrom(-1, 1, 60).map((seconds) => ({ until: NOW + seconds })),
  fc.constantFrom(0, 60, 86_400).map((graceSeconds) => ({ graceSeconds })),
)

export const anyRule: fc.Arbitrary<Omit<Rule, 'name'>> = together<Omit<Rule, 'name'>>(
  fc.oneof({ weight: 4, arbitrary: fc.constant({}) }, anyConditions).map((when) => ({ when })),
  maybe(
    'require',
    fc.constantFrom(
      'password',
      'multi-factor',
      'phishing-resistant',
      'phishing-resistant-hardware',
      'key',
      'urn:staff',
      'urn:none',
    ),
  ),
  maybe('maxAgeSeconds', fc.constantFrom(...AGES)),
  maybe('factors', some(FACTORS)),
  maybe('enrol', anyEnrol),
  maybe('trustedBrowserSeconds', fc.constantFrom<(number | 'never')[]>('never', 1, 300, 86_400)),
  maybe('redundancy', fc.boolean()),
)

const ACRS = ['urn:none', ...new Set(LEVELS.flatMap((levels) => levels.map(({ acr }) => acr)))]

const anyAcr: fc.Arbitrary<AcrRequest> = together<AcrRequest>(
  fc.boolean().map((essential) => ({ essential })),
  some(ACRS).map((values) => ({ values })),
  maybe('maxAgeSeconds', fc.constantFrom(...AGES)),
)

const anyRequest: fc.Arbitrary<PolicyRequest> = together<PolicyRequest>(
  fc.constantFrom('app', 'bank').map((client) => ({ client, scopes: ['openid'] })),
  some(['staff', 'guests']).map((groups) => ({ groups })),
  maybe('acr', anyAcr).map((request) => ({ ...request, acrs: request.acr?.values ?? [] })),
  maybe(
    'isWithin',
    fc.boolean().map((isInside) => () => isInside),
  ),
  fc.boolean().map((isNewBrowser) => ({ isNewBrowser, isFirstParty: false })),
  fc.boolean().map((fresh) => ({ fresh })),
  maybe('provedSince', anyTime),
  maybe(
    'begunAt',
    fc.constantFrom(0, 10, 600).map((age) => NOW - age),
  ),
)

const anyPerson: fc.Arbitrary<PolicyPerson> = together<PolicyPerson>(
  some(Object.values(AUTHENTICATORS), 4).map((authenticators) => ({ authenticators })),
  fc.dictionary(fc.constantFrom('0', '1', '2', 'added'), anyTime).map((metAt) => ({ metAt })),
  maybe(
    'trusts',
    fc.array(
      fc
        .tuple(anyTime, fc.option(fc.constantFrom(...FACTORS)))
        .map(([since, factor]) => ({ since, ...(factor === null ? {} : { factor }) })),
      { maxLength: 2 },
    ),
  ),
  fc.boolean().map((mayPostpone) => ({ mayPostpone })),
  fc.boolean().map((postponed) => ({ postponed })),
)

const anyProof: fc.Arbitrary<Proof> = fc
  .tuple(
    fc.constantFrom(...Object.values(PROOFS)),
    fc.oneof(anyTime, fc.constantFrom(NOW + 20, NOW + 600)),
  )
  .map(([proof, time]) => ({ ...proof, time }))

/** One proof of each factor, and one more by a key in hardware, as in a session. */
const anyProofs = fc.uniqueArray(anyProof, {
  maxLength: 4,
  selector: ({ factor, hardware }) => `${factor} ${hardware}`,
})

/** Any question to the policy. The rules are those of a configuration, beside the one for a person's own choice. */
export const anyInput: fc.Arbitrary<PolicyInput> = fc
  .record({
    levels: fc.oneof(
      { weight: 3, arbitrary: fc.constant(DEFAULT_LEVELS) },
      fc.constantFrom(...LEVELS),
    ),
    rules: fc.array(anyRule, { maxLength: 3 }),
    hasOwnChoice: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, fc.boolean()),
    trustedBrowserSeconds: fc.constantFrom(0, 300, 86_400),
    enrollable: some(['totp', 'passkey', 'key', 'hardware']),
    request: anyRequest,
    person: anyPerson,
    proofs: anyProofs,
  })
  .map(({ levels, rules, hasOwnChoice, enrollable, ...rest }) => ({
    ...rest,
    levels,
    rules: [
      ...(hasOwnChoice ? [ownChoice(levels)] : []),
      ...rules.map((rule, place) => ({ ...rule, name: String(place) })),
    ],
    // A factor that can tell hardware is the passkey too.
    enrollable: enrollable
      .filter((name) => name !== 'passkey' || !enrollable.includes('hardware'))
      .map((name) => ({ ...AUTHENTICATORS[name]!, id: AUTHENTICATORS[name]!.factor })),
    now: NOW,
  }))

/** A question in which a trusted browser may stand in: a person with a factor, and a request that asks for no more. */
export const anyTrustedInput: fc.Arbitrary<PolicyInput> = anyInput.map((input) => {
  const { request, person, proofs } = input
  const { acr: _, provedSince: __, ...plain } = request
  return {
    ...input,
    trustedBrowserSeconds: 86_400,
    request: { ...plain, acrs: [], fresh: false },
    person: {
      ...person,
      authenticators: [...person.authenticators, AUTHENTICATORS['totp']!],
      trusts: [{ since: NOW - 10, factor: 'totp' }],
    },
    proofs: [
      ...proofs.filter(({ factor }) => factor !== undefined && factor !== 'totp').slice(1),
      { ...PROOFS['pwd']!, time: NOW - 60 },
    ],
  }
})
