import { expect } from 'chai'
import { linesAboutMfa } from '../../src/server/cli/user-show.ts'

const AT = 1_767_261_600
const status = {
  factors: [],
  passwordSuspected: false,
  codesDisabled: false,
} as never as Parameters<typeof linesAboutMfa>[0]

describe('what user show prints about a second factor', () => {
  it('is nothing of a lock and of a recovery where there is none', () => {
    expect(linesAboutMfa(status)).to.deep.equal(['no second factor'])
  })

  it('tells of a lock by the owner, and how it ends', () => {
    expect(linesAboutMfa({ ...status, frozenAt: AT })[1]).to.match(
      /^locked by its owner since 2026-01-01.*until a second factor is proved or set up, or reset-mfa$/,
    )
  })

  it('tells of a recovery in progress, and of its next moment', () => {
    const recovery = { since: AT, until: AT + 86_400 }
    const line = (state: 'waiting' | 'open') =>
      linesAboutMfa({ ...status, recovery: { ...recovery, state } })[1]
    expect(line('waiting')).to.match(
      /^recovery in progress since 2026-01-01.*a replacement can be set up from 2026-01-02/,
    )
    expect(line('open')).to.match(/open until 2026-01-02/)
  })
})
