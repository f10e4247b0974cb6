import { expect } from 'chai'
import { isMailbox, markOfMailbox } from '../../src/application/mailbox.ts'
import { world } from './world.ts'

describe('the mark of a mailbox', () => {
  const { deps } = world()
  const isOne = (marked: string, address: string, accountId = 'mira'): boolean =>
    isMailbox(deps, accountId, address, markOfMailbox(deps, 'mira', marked))

  it('R9 fits every spelling of its address', () => {
    for (const [marked, ...others] of [
      ['mira@example.com', 'Mira@Example.COM', ' mira+shop@example.com', 'mira@example.com.'],
      ['mira@bücher.example', 'mira@xn--bcher-kva.example', 'MIRA@BÜCHER.example'],
      ['mira@例え.テスト', 'mira+x@xn--r8jz45g.xn--zckzah'],
      // No name server knows such a domain; its mark is that of the text.
      ['mira@exa mple', 'MIRA@exa mple'],
    ] as const)
      for (const other of [marked, ...others]) {
        expect(isOne(marked, other), `${marked} ${other}`).to.equal(true)
        expect(isOne(other, marked), `${other} ${marked}`).to.equal(true)
      }
  })

  it('fits no other address, and none of another account', () => {
    for (const other of ['mirа@example.com', 'mira@example.org', 'mira@example.com.evil.example'])
      expect(isOne('mira@example.com', other), other).to.equal(false)
    expect(isOne('mira@example.com', 'mira@example.com', 'noah')).to.equal(false)
  })
})
