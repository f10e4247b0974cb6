import { deepEqual } from 'node:assert/strict'
import type { NodeNote, Nodes } from '../ports/nodes.ts'
import { AWKWARD_KEYS } from './awkward-keys.ts'
import { globalRunner, inParallel, storeTests, TEST_START } from './runner.ts'
import type { Make, Runner } from './runner.ts'

/** The rules of `Nodes`: each node writes a note about itself, and all nodes see those of the others. */
export function describeNodes(
  name: string,
  make: Make<Nodes>,
  runner: Runner = globalRunner(),
): void {
  const test = storeTests(make, runner)

  runner.describe(`${name}: nodes`, () => {
    test('gives each note back as it was written', async (nodes) => {
      deepEqual(await nodes.live(0), [])
      const settings = Object.fromEntries(AWKWARD_KEYS.map((key) => [key, key]))
      const one = { ...noteOf('one'), cookieKeys: ['new', 'old'], settings }
      await nodes.note(one)
      await nodes.note(noteOf('two'))
      deepEqual(byId(await nodes.live(TEST_START)), [one, noteOf('two')])
    })

    test('replaces the note of the same id with the next heartbeat', async (nodes) => {
      await nodes.note(noteOf('one'))
      const next = { ...noteOf('one', TEST_START + 15), settings: { 'mfa.enrolment': 'later' } }
      await nodes.note(next)
      deepEqual(await nodes.live(TEST_START), [next])
      deepEqual(await nodes.live(TEST_START + 15), [next])
    })

    test('leaves out a note whose heartbeat is older than asked for', async (nodes) => {
      await nodes.note(noteOf('gone', TEST_START - 1))
      await nodes.note(noteOf('there'))
      deepEqual(await nodes.live(TEST_START), [noteOf('there')])
      deepEqual(await nodes.live(TEST_START + 1), [])
    })

    test('forgets the note of one node, and does not mind an unknown one', async (nodes) => {
      await nodes.forget('one')
      for (const id of ['one', 'two']) await nodes.note(noteOf(id))
      await nodes.forget('one')
      deepEqual(await nodes.live(0), [noteOf('two')])
      await nodes.note(noteOf('one'))
      deepEqual(byId(await nodes.live(0)), [noteOf('one'), noteOf('two')])
    })

    test('keeps ids apart, also of nodes that write at once', async (nodes) => {
      await inParallel(AWKWARD_KEYS.length, (index) =>
        nodes.note(noteOf(AWKWARD_KEYS[index] as string)),
      )
      deepEqual(byId(await nodes.live(0)), byId(AWKWARD_KEYS.map((key) => noteOf(key))))
    })
  })
}

/** A note of a node that started at the beginning of the test. */
function noteOf(id: string, beatAt: number = TEST_START): NodeNote {
  return {
    id,
    name: 'a name that several nodes have',
    version: '1.2.3',
    schema: 7,
    startedAt: TEST_START,
    beatAt,
    issuer: 'https://login.example.com',
    cookieKeys: ['old'],
    settings: { 'mfa.enrolment': 'required' },
  }
}

function byId(notes: readonly NodeNote[]): NodeNote[] {
  return [...notes].sort((a, b) => (a.id < b.id ? -1 : 1))
}
