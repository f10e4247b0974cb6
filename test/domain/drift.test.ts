import { expect } from 'chai'
import fc from 'fast-check'
import {
  cookieKeyUses,
  differencesAmong,
  isLive,
  NODE_LAPSES_SECONDS,
  startAfter,
  type ComparedNode,
} from '../../src/domain/drift.ts'

const NOW = 1_800_000_000

function node(id: string, startedAt: number, about: Partial<ComparedNode> = {}): ComparedNode {
  return {
    id,
    name: `node ${id}`,
    startedAt,
    issuer: 'https://id.example',
    cookieKeys: ['old'],
    settings: { 'mfa.required': '"everybody"', 'totp.window': '1' },
    ...about,
  }
}

/** The setting, the severity, the node that differs and the one that it differs from. */
const shown = (nodes: readonly ComparedNode[]): string[] =>
  differencesAmong(nodes).map(
    ({ setting, severity, node: late, earlier }) =>
      `${severity} ${setting}: ${late.id} from ${earlier.id}`,
  )

describe('the drift of nodes', () => {
  it('is none among nodes that agree, and none of a single node', () => {
    expect(shown([])).to.deep.equal([])
    expect(shown([node('a', 1)])).to.deep.equal([])
    expect(shown([node('a', 1), node('b', 2), node('c', 2)])).to.deep.equal([])
  })

  it('refuses another issuer and is an error for another setting, on the later starter', () => {
    const early = node('z', 1)
    const late = node('a', 2, {
      issuer: 'https://other.example',
      settings: { ...early.settings, 'mfa.required': '"optional"' },
    })
    const expected = ['refuse ISSUER: a from z', 'error mfa.required: a from z']
    expect(shown([early, late])).to.deep.equal(expected)
    expect(shown([late, early])).to.deep.equal(expected)
    expect(differencesAmong([late, early])[1]).to.include({
      value: '"optional"',
      earlierValue: '"everybody"',
    })
  })

  it('orders nodes that started in the same second by their ids', () => {
    const other = { issuer: 'https://other.example' }
    expect(shown([node('b', 1, other), node('a', 1)])).to.deep.equal(['refuse ISSUER: b from a'])
    expect(shown([node('b', 1), node('a', 1, other)])).to.deep.equal(['refuse ISSUER: b from a'])
  })

  it('names a setting of a node once, against the earliest node with another value', () => {
    const optional = { settings: { 'mfa.required': '"optional"' } }
    const nodes = [node('a', 1), node('b', 2, optional), node('c', 3), node('d', 4, optional)]
    expect(shown(nodes)).to.deep.equal([
      'error mfa.required: b from a',
      'error mfa.required: c from b',
      'error mfa.required: d from a',
    ])
  })

  it('does not compare a setting that one of the two versions does not have', () => {
    const newer = node('b', 2, { settings: { 'totp.window': '1', constructor: '"new"' } })
    expect(shown([node('a', 1), newer])).to.deep.equal([])
  })

  const keys: readonly [string, readonly string[], readonly string[], boolean][] = [
    ['the same key', ['old'], ['old'], true],
    ['a new key behind', ['old'], ['old', 'new'], true],
    ['a new key in front of one that all know', ['old', 'new'], ['new', 'old'], true],
    ['an old key that is taken out', ['new', 'old'], ['new'], true],
    ['another key', ['old'], ['new'], false],
    ['a new key in front that the earlier node does not know', ['old'], ['new', 'old'], false],
    ['a signing key of the earlier node that is unknown here', ['new', 'old'], ['old'], false],
    ['an old key that is taken out while it signs', ['old', 'new'], ['new'], false],
  ]
  for (const [what, earlier, later, fits] of keys)
    it(`${fits ? 'takes' : 'refuses'} ${what}`, () => {
      const nodes = [node('a', 1, { cookieKeys: earlier }), node('b', 2, { cookieKeys: later })]
      expect(shown(nodes)).to.deep.equal(fits ? [] : ['refuse COOKIE_KEYS: b from a'])
    })

  it('compares the keys with every live node, not with the first alone', () => {
    const nodes = [
      node('a', 1, { cookieKeys: ['old', 'new'] }),
      node('b', 2, { cookieKeys: ['old'] }),
      node('c', 3, { cookieKeys: ['new', 'old'] }),
    ]
    expect(shown(nodes)).to.deep.equal(['refuse COOKIE_KEYS: c from b'])
  })

  it('is the same on every node, and never that of the earliest node', () => {
    const few = fc.constantFrom('1', '2')
    const anyNode = fc.record({
      id: fc.uuid(),
      name: fc.constantFrom('a', 'b'),
      startedAt: fc.integer({ min: 1, max: 3 }),
      issuer: few,
      cookieKeys: fc.uniqueArray(few, { minLength: 1 }),
      settings: fc.record({ x: few, y: few }, { requiredKeys: [] }),
    })
    const anyNodes = fc.uniqueArray(anyNode, { selector: ({ id }) => id, maxLength: 5 })
    fc.assert(
      fc.property(
        anyNodes.chain((nodes) =>
          fc.tuple(fc.constant(nodes), fc.shuffledSubarray(nodes, { minLength: nodes.length })),
        ),
        ([nodes, shuffled]) => {
          const found = differencesAmong(nodes)
          expect(differencesAmong(shuffled)).to.deep.equal(found)
          for (const { node: late, earlier } of found) {
            const [one, other] = [late, earlier].map(({ id }) => nodes.find((n) => n.id === id)!)
            expect([one!.startedAt, one!.id] > [other!.startedAt, other!.id]).to.equal(true)
          }
          const [first] = [...nodes].sort(
            (a, b) => a.startedAt - b.startedAt || (a.id < b.id ? -1 : 1),
          )
          expect(found.some(({ node: late }) => late.id === first?.id)).to.equal(false)
        },
      ),
    )
  })

  it('tells nodes of one name apart', () => {
    const nodes = [node('first-node', 1), node('second-node', 2, { cookieKeys: ['new'] })]
    const [found] = differencesAmong(nodes.map((each) => ({ ...each, name: 'host' })))
    expect([found?.node.name, found?.earlier.name]).to.deep.equal([
      'host (second)',
      'host (first-)',
    ])
  })

  it('counts a node as live for a minute after its heartbeat, and not with one of the future', () => {
    for (const [beatAt, live] of [
      [NOW, true],
      [NOW - NODE_LAPSES_SECONDS, true],
      [NOW - NODE_LAPSES_SECONDS - 1, false],
      [NOW + NODE_LAPSES_SECONDS, true],
      [NOW + NODE_LAPSES_SECONDS + 1, false],
    ] as const)
      expect(isLive({ beatAt }, NOW), String(beatAt - NOW)).to.equal(live)
  })

  it('puts a start after every live node, whatever the clocks say', () => {
    expect(startAfter([], NOW)).to.equal(NOW)
    expect(startAfter([{ startedAt: NOW - 9 }], NOW)).to.equal(NOW)
    expect(startAfter([{ startedAt: NOW + 50 }, { startedAt: NOW }], NOW)).to.equal(NOW + 51)
  })

  it('shows for each cookie key where it signs and where it is missing', () => {
    const nodes = [
      node('b', 2, { cookieKeys: ['new', 'old'] }),
      node('a', 1, { cookieKeys: ['old', 'new'] }),
      node('c', 3, { cookieKeys: ['old'] }),
    ]
    expect(cookieKeyUses(nodes)).to.deep.equal([
      { key: 'old', signsOn: ['node a', 'node c'], missingOn: [] },
      { key: 'new', signsOn: ['node b'], missingOn: ['node c'] },
    ])
  })
})
