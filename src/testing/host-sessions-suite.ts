import { deepEqual, equal } from 'node:assert/strict'
import type { Adapter } from 'oidc-provider'
import type { HostRecords } from '../ports/host-records.ts'
import { inParallel, storeTests } from './runner.ts'
import type { Make, Runner } from './runner.ts'

/**
 * An ended session stays ended (R19). The host saves a session as a whole document at the end of each request; `save`
 * and `move` make the same calls as its `Session.save`, outside a request of the host.
 */
export function describeHostSessions(name: string, make: Make<HostRecords>, runner: Runner): void {
  const declare = storeTests(make, runner)
  const test = (sentence: string, body: (sessions: Adapter, advance: Advance) => Promise<void>) =>
    declare(sentence, (records, clock) =>
      body(records('Session'), (seconds) => clock.advance(seconds)),
    )

  runner.describe(`${name}: sessions of the host`, () => {
    test('R19 does not let a request in flight write a destroyed session back', async (sessions) => {
      await save(sessions, 's1')
      await sessions.destroy('s1')
      await save(sessions, 's1')
      await isOver(sessions, ['s1'])
    })

    test('R19 does not store an ended id under another uid', async (sessions) => {
      await save(sessions, 's1')
      await sessions.destroy('s1')
      await sessions.upsert('s1', { uid: 'another', jti: 's1' }, 60)
      equal(await sessions.find('s1'), undefined)
      equal(await sessions.findByUid('another'), undefined)
    })

    test('R19 moves a session to a new id, and again', async (sessions) => {
      await save(sessions, 's1')
      await move(sessions, 's1', 's2')
      await move(sessions, 's2', 's3')
      equal(await sessions.find('s1'), undefined)
      equal(await sessions.find('s2'), undefined)
      deepEqual(await sessions.find('s3'), { uid: 'u', jti: 's3' })
      deepEqual(await sessions.findByUid('u'), { uid: 'u', jti: 's3' })
    })

    test('saves a session that was moved as often as the request likes', async (sessions) => {
      await save(sessions, 's1')
      await move(sessions, 's1', 's2')
      await move(sessions, 's1', 's2')
      await save(sessions, 's2')
      deepEqual(await sessions.findByUid('u'), { uid: 'u', jti: 's2' })
    })

    test('R19 does not let a request in flight write back an id that the session has left', async (sessions) => {
      await save(sessions, 's1')
      await move(sessions, 's1', 's2')
      await save(sessions, 's1')
      equal(await sessions.find('s1'), undefined)
      deepEqual(await sessions.findByUid('u'), { uid: 'u', jti: 's2' })
    })

    test('R19 does not let a request in flight move a destroyed session to a new id', async (sessions) => {
      await save(sessions, 's1')
      await sessions.destroy('s1')
      await move(sessions, 's1', 's2')
      await isOver(sessions, ['s1', 's2'])
    })

    test('R19 ends a session that is destroyed while a request moves it', async (sessions) => {
      await save(sessions, 's1')
      await sessions.destroy('s1') // the first half of a move to s2
      await sessions.destroy('s1') // somebody signs out
      await save(sessions, 's2')
      await isOver(sessions, ['s1', 's2'])
    })

    test('R19 ends a moved session when it is destroyed, for requests of every id that it had', async (sessions) => {
      await save(sessions, 's1')
      await move(sessions, 's1', 's2')
      await sessions.destroy('s2')
      await move(sessions, 's1', 's3')
      await save(sessions, 's1')
      await save(sessions, 's2')
      await isOver(sessions, ['s1', 's2', 's3'])
    })

    test('R19 ends every id of a session that two parallel requests have moved', async (sessions) => {
      await save(sessions, 's1')
      await move(sessions, 's1', 's2')
      await move(sessions, 's1', 's3')
      await sessions.destroy('s2')
      await save(sessions, 's3')
      await move(sessions, 's3', 's4')
      await isOver(sessions, ['s1', 's2', 's3', 's4'])
    })

    test('R19 leaves no room for a move that comes long after the destroy', async (sessions, advance) => {
      await save(sessions, 's1')
      await sessions.destroy('s1')
      advance(60)
      await save(sessions, 's2')
      await isOver(sessions, ['s1', 's2'])
    })

    test('does not touch other sessions when one ends', async (sessions) => {
      await save(sessions, 's1', 'u')
      await save(sessions, 't1', 'v')
      await sessions.destroy('s1')
      await sessions.destroy('unknown')
      await save(sessions, 't1', 'v')
      deepEqual(await sessions.findByUid('v'), { uid: 'v', jti: 't1' })
    })

    test('takes two ids of one uid, as parallel sign-ins make them', async (sessions) => {
      await inParallel(2, (index) => save(sessions, `s${index}`))
      deepEqual(await sessions.find('s0'), { uid: 'u', jti: 's0' })
      deepEqual(await sessions.find('s1'), { uid: 'u', jti: 's1' })
    })

    test('R18 R19 ends a session under many parallel writes', async (sessions) => {
      await save(sessions, 's')
      const ids = Array.from({ length: 20 }, (_, index) => `m${index}`)
      await Promise.all([
        ...ids.slice(0, 10).map(() => save(sessions, 's')),
        Promise.resolve(sessions.destroy('s')).then(() => sessions.destroy('s')),
        ...ids.slice(0, 10).map(() => save(sessions, 's')),
      ])
      await inParallel(20, (index) => move(sessions, 's', ids[index] ?? ''))
      await isOver(sessions, ['s', ...ids])
    })
  })
}

type Advance = (seconds: number) => void

async function save(sessions: Adapter, id: string, uid = 'u'): Promise<void> {
  await sessions.upsert(id, { uid, jti: id }, 3600)
}

async function move(sessions: Adapter, oldId: string, id: string): Promise<void> {
  await sessions.destroy(oldId)
  await save(sessions, id)
}

async function isOver(sessions: Adapter, ids: readonly string[]): Promise<void> {
  for (const id of ids) equal(await sessions.find(id), undefined, `${id} is still there`)
  equal(await sessions.findByUid('u'), undefined)
}
