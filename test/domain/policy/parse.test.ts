import { expect } from 'chai'
import fc from 'fast-check'
import {
  DEFAULT_LEVELS,
  MULTI_FACTOR_ACR,
  PHISHING_RESISTANT_ACR,
} from '../../../src/domain/policy/levels.ts'
import { parseLevels, parsePolicy, type PolicyFactor } from '../../../src/domain/policy/parse.ts'
import { matches, type Circumstances, type Rule } from '../../../src/domain/policy/rules.ts'
import { networkTest } from '../../../src/plugin/networks.ts'

const possession = { kinds: ['possession'], phishingResistant: false } as const
const FACTORS: readonly PolicyFactor[] = [
  { id: 'totp', isEnrollable: true, ...possession },
  { id: 'passkey', isEnrollable: true, kinds: ['possession'], phishingResistant: true },
  { id: 'backup-codes', isEnrollable: false, ...possession },
]
const CONTEXT = { levels: DEFAULT_LEVELS, factors: FACTORS, scopes: ['openid', 'email', 'api'] }

function parse(policy: unknown, context: Partial<typeof CONTEXT> = {}) {
  return parsePolicy(policy, { ...CONTEXT, ...context })
}

function faultsOf(policy: unknown, context: Partial<typeof CONTEXT> = {}): readonly string[] {
  const parsed = parse(policy, context)
  return 'faults' in parsed ? parsed.faults : []
}

function ruleOf(rule: object): Rule {
  const parsed = parse({ rules: [{ name: 'r', ...rule }] })
  if ('faults' in parsed) throw new Error(parsed.faults.join('\n'))
  return parsed.policy.rules[0] as Rule
}

/** The faults of one rule, without its name. */
function faultsIn(rule: object): readonly string[] {
  return faultsOf({ rules: [{ name: 'r', ...rule }] }).map((fault) => {
    expect(fault).to.match(/^rule "r": /)
    return fault.slice('rule "r": '.length)
  })
}

describe('a policy as data', () => {
  it('is read in camelCase and in snake_case, to the same rules', () => {
    const camel = {
      trustedBrowserSeconds: 3600,
      rules: [
        {
          name: 'staff',
          when: { group: ['staff'], newBrowser: true, firstParty: false },
          require: 'multi-factor',
          maxAgeSeconds: 300,
          enrol: { graceSeconds: 86_400 },
          trustedBrowserSeconds: 'never',
        },
      ],
    }
    const snake = {
      trusted_browser_seconds: 3600,
      rules: [
        {
          name: 'staff',
          when: { group: 'staff', new_browser: true, first_party: false },
          require: MULTI_FACTOR_ACR,
          max_age_seconds: 300,
          enrol: { grace_seconds: 86_400 },
          trusted_browser_seconds: 'never',
        },
      ],
    }
    expect(parse(camel)).to.deep.equal({
      policy: {
        trustedBrowserSeconds: 3600,
        shadow: [],
        rules: [{ ...camel.rules[0], require: MULTI_FACTOR_ACR }],
      },
    })
    expect(parse(snake)).to.deep.equal(parse(camel))
  })

  it('offers no trusted browser and has no rules unless it says so', () => {
    expect(parse({})).to.deep.equal({ policy: { rules: [], shadow: [], trustedBrowserSeconds: 0 } })
  })

  it('takes the name of a level for its acr, also where a request names it', () => {
    const rule = ruleOf({
      require: 'phishing-resistant',
      when: { acr: ['multi-factor', '!phr', 'x'] },
    })
    expect(rule.require).to.equal(PHISHING_RESISTANT_ACR)
    expect(rule.when.acr).to.deep.equal([MULTI_FACTOR_ACR, '!phr', 'x'])
    expect(ruleOf({ when: { acr: '!multi-factor' } }).when.acr).to.deep.equal([
      `!${MULTI_FACTOR_ACR}`,
    ])
  })

  it('takes a shorter time of trust in a browser', () => {
    for (const seconds of [1, 3600])
      expect(ruleOf({ trustedBrowserSeconds: seconds }).trustedBrowserSeconds).to.equal(seconds)
  })

  it('takes a date-time with its zone', () => {
    const until = Date.UTC(2027, 0, 31, 12) / 1000
    for (const text of [
      '2027-01-31T12:00:00Z',
      '2027-01-31T12:00Z',
      '2027-01-31T13:00:00.000+01:00',
    ])
      expect(ruleOf({ enrol: { until: text } }).enrol).to.deep.equal({ until })
  })

  for (const [what, policy, fault] of [
    [
      'a policy that is no object',
      [],
      'must be an object: { rules, shadow, trustedBrowserSeconds }',
    ],
    ['an unknown key', { rulez: [] }, 'unknown key "rulez" (did you mean "rules"?)'],
    ['rules that are no list', { rules: {} }, 'rules must be a list: [{ name, when, require }]'],
    [
      'a browser that is trusted for too long',
      { trustedBrowserSeconds: 2_592_001 },
      'trustedBrowserSeconds must be a whole number from 0 to 2592000',
    ],
    [
      'one key in both spellings',
      { trustedBrowserSeconds: 1, trusted_browser_seconds: 2 },
      'trustedBrowserSeconds is given twice, as trustedBrowserSeconds and as trusted_browser_seconds',
    ],
    [
      'a rule that is no object',
      { rules: ['r'] },
      'rule #1: must be an object: { name, when, require }',
    ],
    ['a rule without a name', { rules: [{}] }, 'rule #1: name must be 1 to 100 characters'],
    [
      'a long name',
      { rules: [{ name: 'x'.repeat(101) }] },
      'rule #1: name must be 1 to 100 characters',
    ],
    [
      'two rules of one name',
      { rules: [{ name: 'r' }, { name: 's' }, { name: 'r' }] },
      'rule "r": another rule has the same name',
    ],
    [
      'a fault in a shadow rule',
      { shadow: [{ name: 's', require: 'more' }] },
      'shadow rule "s": require names no level: "more"; there are password, multi-factor, phishing-resistant, phishing-resistant-hardware',
    ],
  ] as const)
    it(`is refused for ${what}`, () => expect(faultsOf(policy)).to.deep.equal([fault]))

  for (const name of [
    'set up by the person',
    'imported without its second factor',
    'require',
    ' require ',
    'account pages',
  ])
    it(`is refused for the name of a built-in rule: "${name}"`, () => {
      const fault = `rule "${name}": name is that of a built-in rule; give the rule another name`
      expect(faultsOf({ rules: [{ name }] })).to.deep.equal([fault])
      expect(faultsOf({ shadow: [{ name }] })).to.deep.equal([`shadow ${fault}`])
    })

  it('may have the same rule live and in shadow', () => {
    const rules = [{ name: 'r', require: 'multi-factor' }]
    expect(faultsOf({ rules, shadow: rules })).to.deep.equal([])
  })

  it('keeps the rules on trial apart from those in force', () => {
    const [live, trial] = ['live', 'trial'].map((name) => ({ name, when: {} }))
    expect(parse({ rules: [live], shadow: [trial] })).to.deep.equal({
      policy: { rules: [live], shadow: [trial], trustedBrowserSeconds: 0 },
    })
  })

  it('is refused with all faults at once', () => {
    const faults = faultsOf({
      trustedBrowserSeconds: -1,
      rules: [
        { name: 'a', wehn: {}, require: 'mfa' },
        { name: 'b', when: { scope: ['emial'], group: [] } },
      ],
    })
    expect(faults).to.deep.equal([
      'trustedBrowserSeconds must be a whole number from 0 to 2592000',
      'rule "a": unknown key "wehn" (did you mean "when"?)',
      'rule "a": require names no level: "mfa"; there are password, multi-factor, phishing-resistant, phishing-resistant-hardware',
      'rule "b": when.group is an empty list, which never matches',
      'rule "b": when.scope names a scope that is not offered: "emial" (did you mean "email"?)',
    ])
  })

  it('never throws, whatever it is', () => {
    expect(parse({ rules: [{ name: Object.create(null) as unknown }] })).to.have.any.keys('faults')
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true }), (value) => {
        expect(parse(value)).to.have.any.keys('policy', 'faults')
        expect(parse({ rules: [value], shadow: value })).to.have.any.keys('policy', 'faults')
        expect(
          parse({ rules: [{ name: 'r', when: value, enrol: value, require: value }] }),
        ).to.be.an('object')
      }),
    )
  })
})

describe('a rule', () => {
  for (const [what, rule, fault] of [
    [
      'an unknown condition',
      { when: { groups: ['a'] } },
      'when: unknown key "groups" (did you mean "group"?)',
    ],
    [
      'conditions that are no object',
      { when: 'staff' },
      'when must be an object of conditions, such as { group: ["staff"] }',
    ],
    [
      'an empty list',
      { when: { client: [] } },
      'when.client is an empty list, which never matches',
    ],
    [
      'an entry that is no text',
      { when: { client: [1] } },
      'when.client must be text that is not empty, or a list of such texts',
    ],
    [
      'an entry that excludes nothing',
      { when: { client: '!' } },
      'when.client must be text that is not empty, or a list of such texts',
    ],
    [
      'a network that is none',
      { when: { network: ['!10.0.0.0/33'] } },
      'when.network is neither an address nor a network such as 10.0.0.0/8: "!10.0.0.0/33"',
    ],
    [
      'a condition that is no truth value',
      { when: { newBrowser: 'yes' } },
      'when.newBrowser must be true or false',
    ],
    [
      'an excluded scope that is not offered',
      { when: { scope: '!apy' } },
      'when.scope names a scope that is not offered: "apy" (did you mean "api"?)',
    ],
    [
      'groups of which all are excluded',
      { when: { group: ['a', '!a'] } },
      'when.group excludes all that it names, so it never matches',
    ],
    [
      'a network inside an excluded one',
      { when: { network: ['10.1.0.0/16', '!10.0.0.0/8'] } },
      'when.network excludes all that it names, so it never matches',
    ],
    [
      'all networks excluded',
      { when: { network: ['!0.0.0.0/0', '!::/0'] } },
      'when.network excludes all that it names, so it never matches',
    ],
    [
      'a level that is no text',
      { require: 2 },
      'require must be the name or the acr of a level: password, multi-factor, phishing-resistant, phishing-resistant-hardware',
    ],
    [
      'a misspelt level',
      { require: 'multifactor' },
      'require names no level: "multifactor" (did you mean "multi-factor"?); there are password, multi-factor, phishing-resistant, phishing-resistant-hardware',
    ],
    [
      'a misspelt factor',
      { factors: ['topt'] },
      'factors names no factor: "topt" (did you mean "totp"?); there are totp, passkey, backup-codes',
    ],
    ['an empty list of factors', { factors: [] }, 'factors is an empty list, which never matches'],
    [
      'backup codes alone',
      { factors: ['backup-codes'] },
      'can never be met: its factors are backup codes alone, which stand in for another factor',
    ],
    [
      'factors that do not reach the level',
      { factors: ['totp', 'backup-codes'], require: 'phr' },
      'can never be met: none of its factors reaches the level "phishing-resistant"; passkey would',
    ],
    [
      'an age that is negative',
      { maxAgeSeconds: -1 },
      'maxAgeSeconds must be a whole number of at least 0',
    ],
    [
      'an age that is no whole number',
      { maxAgeSeconds: 1.5 },
      'maxAgeSeconds must be a whole number of at least 0',
    ],
    [
      'an age in text',
      { maxAgeSeconds: '300' },
      'maxAgeSeconds must be a whole number of at least 0',
    ],
    [
      'a trust of no time',
      { trustedBrowserSeconds: 0 },
      'trustedBrowserSeconds must be a whole number of at least 1, or "never"',
    ],
    [
      'a trust in text',
      { trustedBrowserSeconds: '300' },
      'trustedBrowserSeconds must be a whole number of at least 1, or "never"',
    ],
    [
      'a date that is a number',
      { enrol: { until: 1_800_000_000 } },
      'enrol.until must be an ISO 8601 date-time with its time zone, such as 2027-01-31T12:00:00Z',
    ],
    [
      'an unknown enrolment',
      { enrol: 'later' },
      'enrol must be "required", "optional", { until } or { graceSeconds }',
    ],
    [
      'two ends of a grace',
      { enrol: { until: '2027-01-31T12:00:00Z', graceSeconds: 1 } },
      'enrol must be "required", "optional", { until } or { graceSeconds }',
    ],
    [
      'a date without a time',
      { enrol: { until: '2027-01-31' } },
      'enrol.until must be an ISO 8601 date-time with its time zone, such as 2027-01-31T12:00:00Z',
    ],
    [
      'a time without a zone',
      { enrol: { until: '2027-01-31T12:00:00' } },
      'enrol.until must be an ISO 8601 date-time with its time zone, such as 2027-01-31T12:00:00Z',
    ],
    [
      'a day that does not exist',
      { enrol: { until: '2027-02-30T12:00:00Z' } },
      'enrol.until must be an ISO 8601 date-time with its time zone, such as 2027-01-31T12:00:00Z',
    ],
    [
      'a grace that is no number',
      { enrol: { graceSeconds: '1' } },
      'enrol.graceSeconds must be a whole number of at least 0',
    ],
    ['a redundancy that is no truth value', { redundancy: 2 }, 'redundancy must be true or false'],
  ] as const)
    it(`is refused for ${what}, by its name`, () => expect(faultsIn(rule)).to.deep.equal([fault]))

  it('is refused for a level that no configured factor reaches', () => {
    const factors = FACTORS.filter(({ id }) => id !== 'passkey')
    expect(faultsOf({ rules: [{ name: 'r', require: 'phr' }] }, { factors })).to.deep.equal([
      'rule "r": can never be met: no configured factor reaches the level "phishing-resistant", which needs 2 different kinds of factor, one of them phishing-resistant; the levels in reach are password, multi-factor',
    ])
  })

  it('is refused for a level in hardware where no one factor is both resistant to phishing and in it', () => {
    const token = {
      id: 'token',
      isEnrollable: true,
      kinds: ['possession'],
      hardware: true,
    } as const
    const factors = [...FACTORS, { ...token, phishingResistant: false }]
    expect(faultsOf({ rules: [{ name: 'r', require: 'phrh' }] }, { factors })).to.deep.equal([
      'rule "r": can never be met: no configured factor reaches the level "phishing-resistant-hardware", which needs 2 different kinds of factor, one of them phishing-resistant and protected by hardware; the levels in reach are password, multi-factor, phishing-resistant',
    ])
    const able = [...FACTORS, { ...token, phishingResistant: true }]
    expect(faultsOf({ rules: [{ name: 'r', require: 'phrh' }] }, { factors: able })).to.deep.equal(
      [],
    )
  })

  it('is refused for a level of more kinds than the factors have, with what is in reach', () => {
    const levels = [
      { name: 'password', acr: 'urn:one', kinds: 1 },
      { name: 'three', acr: 'urn:three', kinds: 3 },
    ] as const
    expect(faultsOf({ rules: [{ name: 'r', require: 'urn:three' }] }, { levels })).to.deep.equal([
      'rule "r": can never be met: no configured factor reaches the level "three", which needs 3 different kinds of factor; the levels in reach are password',
    ])
  })

  it('is refused for a level that backup codes alone reach', () => {
    const factors = FACTORS.filter(({ id }) => id === 'backup-codes')
    const [fault] = faultsOf({ rules: [{ name: 'r', require: 'multi-factor' }] }, { factors })
    expect(fault).to.match(/^rule "r": can never be met: no configured factor/)
  })

  it('is refused for factors that are of the kind of the password', () => {
    const pin = { id: 'pin', isEnrollable: true, kinds: ['knowledge'], phishingResistant: false }
    const factors = [...FACTORS, pin as PolicyFactor]
    const [fault] = faultsOf({ rules: [{ name: 'r', factors: 'pin' }] }, { factors })
    expect(fault).to.match(/^rule "r": can never be met: none of its factors/)
  })

  it('may name clients and groups that nobody knows yet, and acr values of no level', () => {
    expect(faultsIn({ when: { client: 'x', group: ['y'], acr: 'urn:z' } })).to.deep.equal([])
  })

  it('may ask for a level of the first factor, for nothing, and for redundancy of one factor', () => {
    expect(faultsIn({ require: 'password' })).to.deep.equal([])
    expect(faultsIn({})).to.deep.equal([])
    expect(faultsIn({ factors: ['totp'], redundancy: true })).to.deep.equal([])
  })
})

describe('two rules', () => {
  const conflict = (one: object, other: object): readonly string[] =>
    faultsOf({
      rules: [
        { name: 'a', ...one },
        { name: 'b', ...other },
      ],
    })
  const APART = 'rule "a": can match together with "b", and the two have no common factor'

  it('are refused if they can match together without a common factor', () => {
    expect(conflict({ factors: 'totp' }, { factors: 'passkey' })).to.deep.equal([APART])
    expect(conflict({ factors: ['totp', 'passkey'] }, { factors: 'passkey' })).to.deep.equal([])
  })

  it('are refused if backup codes are their only common factor', () => {
    const [one, other] = [
      ['totp', 'backup-codes'],
      ['passkey', 'backup-codes'],
    ]
    expect(conflict({ factors: one }, { factors: other })).to.deep.equal([APART])
  })

  it('are refused if no common factor reaches the level that one of them asks for', () => {
    expect(conflict({ factors: 'totp' }, { require: 'phr' })).to.deep.equal([
      'rule "a": can match together with "b", and no common factor reaches the level "phishing-resistant"',
    ])
  })

  const totp = { factors: ['totp'] }
  const passkey = { factors: ['passkey'] }
  for (const [what, one, other, isApart] of [
    ['two groups: a person can be in both', { group: 'a' }, { group: 'b' }, false],
    ['two scopes: a request can name both', { scope: 'email' }, { scope: 'api' }, false],
    ['a group and its exclusion', { group: 'a' }, { group: '!a' }, true],
    ['a group, and another one without it', { group: 'a' }, { group: ['b', '!a'] }, true],
    ['two groups of which one is excluded', { group: ['a', 'c'] }, { group: ['b', '!a'] }, false],
    ['a scope, and another one without it', { scope: 'api' }, { scope: ['email', '!api'] }, true],
    ['a level, and requests without it', { acr: 'urn:a' }, { acr: '!urn:a' }, true],
    ['two clients', { client: 'a' }, { client: ['b', 'c'] }, true],
    ['a client in both lists', { client: ['a', 'b'] }, { client: ['b', 'c'] }, false],
    ['a client and all others', { client: 'a' }, { client: '!a' }, true],
    ['two exclusions', { client: '!a' }, { client: '!b' }, false],
    ['a condition that one of them lacks', { client: 'a' }, { group: 'b' }, false],
    ['networks apart', { network: '10.0.0.0/8' }, { network: '192.168.0.0/16' }, true],
    ['a network in the other', { network: '10.0.0.0/8' }, { network: '10.1.0.0/16' }, false],
    ['a network and all others', { network: '10.0.0.0/8' }, { network: '!10.0.0.0/8' }, true],
    [
      'a network and all outside a smaller one',
      { network: '10.0.0.0/8' },
      { network: '!10.1.0.0/16' },
      false,
    ],
    ['a new browser and a known one', { newBrowser: true }, { newBrowser: false }, true],
    ['apps of our own and others', { firstParty: true }, { firstParty: false }, true],
  ] as const)
    it(`${isApart ? 'never match' : 'can match'} together: ${what}`, () => {
      const faults = conflict({ when: one, ...totp }, { when: other, ...passkey })
      expect(faults).to.deep.equal(isApart ? [] : [APART])
    })

  it('that both match a sign-in were never taken for apart', () => {
    const entry = fc.constantFrom('a', 'b', 'c', '!a', '!b')
    const list = fc.uniqueArray(entry, { minLength: 1, maxLength: 3 })
    const network = fc.uniqueArray(
      fc.constantFrom('10.0.0.0/8', '10.1.0.0/16', '!10.1.0.0/16', '!10.0.0.0/8', '::/0'),
      { minLength: 1, maxLength: 2 },
    )
    const conditions = fc.record(
      { client: list, group: list, network, newBrowser: fc.boolean() },
      { requiredKeys: [] },
    )
    const facts: fc.Arbitrary<Circumstances> = fc.record({
      client: fc.constantFrom('a', 'b', 'c', 'd'),
      groups: fc.subarray(['a', 'b', 'c']),
      scopes: fc.constant([]),
      acrs: fc.constant([]),
      isWithin: fc
        .constantFrom('10.1.0.1', '10.2.0.1', '2001:db8::1')
        .map((address) => networkTest(address)!),
      isNewBrowser: fc.boolean(),
      isFirstParty: fc.boolean(),
    })
    fc.assert(
      fc.property(conditions, conditions, facts, (one, other, sign) => {
        const rules = [
          { name: 'a', when: one, ...totp },
          { name: 'b', when: other, ...passkey },
        ] as const
        const together = rules.every((rule) => matches(rule, sign))
        if (together) expect(faultsOf({ rules })).to.deep.equal([APART])
      }),
      { numRuns: 2000 },
    )
  })
})

describe('levels as data', () => {
  it('are read in order, in either spelling', () => {
    expect(parseLevels([...DEFAULT_LEVELS])).to.deep.equal({ levels: DEFAULT_LEVELS })
    const strict = { name: 'strict', acr: 'urn:strict', kinds: 2 }
    const levels = [DEFAULT_LEVELS[0], { ...strict, phishing_resistant: true, hardware: true }]
    expect(parseLevels(levels)).to.deep.equal({
      levels: [DEFAULT_LEVELS[0], { ...strict, phishingResistant: true, hardware: true }],
    })
  })

  const first = { name: 'one', acr: 'urn:one', kinds: 1 }
  const second = { name: 'two', acr: 'urn:two', kinds: 2 }
  for (const [what, levels, fault] of [
    ['no level', [], 'must be a list of at least one level: { name, acr, kinds }'],
    ['no list', first, 'must be a list of at least one level: { name, acr, kinds }'],
    ['a level that is no object', ['one'], 'level #1: must be an object: { name, acr, kinds }'],
    [
      'an unknown key',
      [{ ...first, kids: 1 }],
      'level "one": unknown key "kids" (did you mean "kinds"?)',
    ],
    [
      'a name with a space',
      [{ ...first, name: 'a b' }],
      'level #1: name must be 1 to 100 characters without spaces',
    ],
    [
      'an acr with a space',
      [{ ...first, acr: 'a b' }],
      'level "one": acr must be 1 to 100 characters without spaces',
    ],
    [
      'no kinds',
      [{ name: 'one', acr: 'urn:one' }],
      'level "one": kinds is missing: 1 to 3 kinds of factor',
    ],
    [
      'too many kinds',
      [first, { ...second, kinds: 4 }],
      'level "two": kinds must be a whole number from 1 to 3',
    ],
    [
      'a name twice',
      [first, { ...second, name: 'one' }],
      'level "one": "one" is the name or the acr of another level',
    ],
    [
      'a name that is the acr of another',
      [first, { ...second, name: 'urn:one' }],
      'level "urn:one": "urn:one" is the name or the acr of another level',
    ],
    [
      'a first level that asks for more',
      [second],
      'level "two": must have kinds 1 and nothing else, because a first factor alone reaches the first level',
    ],
    [
      'a first level that has to be phishing-resistant',
      [{ ...first, phishingResistant: true }],
      'level "one": must have kinds 1 and nothing else, because a first factor alone reaches the first level',
    ],
    [
      'a first level that asks for hardware',
      [{ ...first, hardware: true }],
      'level "one": must have kinds 1 and nothing else, because a first factor alone reaches the first level',
    ],
    [
      'a hardware that is no truth value',
      [first, { ...second, hardware: 'yes' }],
      'level "two": hardware must be true or false',
    ],
    [
      'a level without the hardware of the one before it',
      [first, { ...second, hardware: true }, { name: 'three', acr: 'urn:three', kinds: 3 }],
      'level "three": must be at least as strict as "two", the level before it',
    ],
    [
      'a level of fewer kinds than the one before it',
      [first, { ...second, kinds: 3 }, { name: 'three', acr: 'urn:three', kinds: 2 }],
      'level "three": must be at least as strict as "two", the level before it',
    ],
    [
      'a level below the one before it',
      [
        first,
        { ...second, phishingResistant: true },
        { name: 'three', acr: 'urn:three', kinds: 3 },
      ],
      'level "three": must be at least as strict as "two", the level before it',
    ],
  ] as const)
    it(`are refused for ${what}`, () =>
      expect(parseLevels(levels)).to.deep.equal({ faults: [fault] }))
})
