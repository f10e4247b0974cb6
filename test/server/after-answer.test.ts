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

  it('R43 begins although nobody reads the answer, so that it keeps no place', async () => {
    const after = afterAnswers({ error: () => undefined }, 1)
    const began = new EventEmitter()
    const beginning = once(began, 'now')
    after.add(responseOf(), async () => void began.emit('now'))
    await beginning
    await after.settled()
  })
})
