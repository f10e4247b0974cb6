import { expect } from 'chai'
import { EventEmitter, once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { afterAnswers } from '../../src/server/pages/after-answer.ts'

describe('work after an answer', () => {
  const responseOf = (): EventEmitter & ServerResponse =>
    Object.assign(new EventEmitter(), { closed: false }) as never

  it('begins when the answer has left, once', async () => {
    const after = afterAnswers({ error: () => undefined })
    const response = responseOf()
    let runs = 0
    after.add(response, async () => void (runs += 1))
    expect(runs).to.equal(0)
    response.emit('finish')
    response.emit('close')
    await after.settled()
    expect(runs).to.equal(1)
  })

  it('R43 keeps places that the work of strangers does not take', async () => {
    const bounds = { mostWaiting: 3, keptPlaces: 2 }
    const after = afterAnswers({ error: () => undefined }, bounds)
    const responses = Array.from({ length: 6 }, responseOf)
    const takes = (nth: number, kept?: 'kept'): boolean =>
      after.add(responses[nth]!, async () => undefined, kept)
    expect([takes(0), takes(1), takes(2)]).to.deep.equal([true, true, true])
    expect(takes(3)).to.equal(false)
    expect([takes(3, 'kept'), takes(4, 'kept'), takes(5, 'kept')]).to.deep.equal([
      true,
      true,
      false,
    ])
    for (const response of responses) response.emit('finish')
    await after.settled()
    expect(takes(5)).to.equal(true)
    responses[5]!.emit('finish')
    await after.settled()
  })

  it('R43 begins although nobody reads the answer, so that it keeps no place', async () => {
    const after = afterAnswers({ error: () => undefined }, { longestAnswerMs: 1 })
    const began = new EventEmitter()
    const beginning = once(began, 'now')
    after.add(responseOf(), async () => void began.emit('now'))
    await beginning
    await after.settled()
  })
})
