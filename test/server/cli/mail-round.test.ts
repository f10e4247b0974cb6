import { expect } from 'chai'
import { mailRound } from '../../../src/server/cli/mail-round.ts'
import { letterId } from '../../../src/server/notices/letters.ts'
import type { MailTried } from '../../../src/server/notices/sender.ts'

const lettersOf = (...names: readonly string[]) =>
  names.map((name) => ({ about: name, to: `${name}@example.com` }))
const idOf = (name: string): string => letterId({ about: name, to: `${name}@example.com` })

const sent = (name: string): MailTried => ({ id: idOf(name), outcome: 'sent' })
const postponed = (name: string): MailTried => ({
  id: idOf(name),
  outcome: 'postponed',
  fault: 'busy',
})
const refused = (name: string): MailTried => ({
  id: idOf(name),
  outcome: 'given-up',
  fault: 'unknown',
  reason: 'refused',
})

/** A round whose calls of `sendDue` have these attempts, one list after another. */
function roundOf(...answers: readonly (readonly MailTried[] | undefined)[]) {
  const calls = { left: [...answers], made: 0 }
  const round = mailRound({
    async sendDue() {
      calls.made += 1
      return calls.left.shift() ?? []
    },
  })
  return { round, calls }
}

describe('letters that a command sends batch by batch', () => {
  it('are counted by what becomes of them', async () => {
    const { round } = roundOf([sent('a'), refused('b'), postponed('c')], [], [sent('d')])
    await round.send(lettersOf('a', 'b', 'c'))
    await round.send(lettersOf('d'))
    expect(round.counts()).to.deep.equal({ sent: 2, failed: 1, waiting: 1 })
  })

  it('are sent on while the mail server takes some', async () => {
    const { round, calls } = roundOf([sent('a')], [sent('b')], [sent('c')])
    await round.send(lettersOf('a', 'b', 'c'))
    expect(round.counts()).to.deep.equal({ sent: 3, failed: 0, waiting: 0 })
    expect(calls.made).to.equal(3)
  })

  it('are left to the server once the mail server takes nothing', async () => {
    const { round, calls } = roundOf([postponed('a'), postponed('b')])
    await round.send(lettersOf('a', 'b'))
    const made = calls.made
    for (let batch = 0; batch < 9; batch += 1) await round.send(lettersOf(`c${batch}`))
    expect(calls.made).to.equal(made)
    expect(round.counts()).to.deep.equal({ sent: 0, failed: 0, waiting: 11 })
  })

  it('are left to the server without a mail server, and letters of others are not counted', async () => {
    const without = roundOf(undefined)
    await without.round.send(lettersOf('a'))
    expect(without.round.counts()).to.deep.equal({ sent: 0, failed: 0, waiting: 1 })
    const others = roundOf([sent('of another'), refused('and another')])
    await others.round.send(lettersOf('a'))
    expect(others.round.counts()).to.deep.equal({ sent: 0, failed: 0, waiting: 1 })
  })

  it('are counted as sent if a later round sends them', async () => {
    const { round } = roundOf([sent('a'), postponed('b')], [], [sent('b'), sent('c')])
    await round.send(lettersOf('a', 'b'))
    await round.send(lettersOf('c'))
    expect(round.counts()).to.deep.equal({ sent: 3, failed: 0, waiting: 0 })
  })
})
