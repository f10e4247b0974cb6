import { expect } from 'chai'
import {
  forgottenPassword,
  type ForgottenPassword,
} from '../../../src/server/accounts/forgotten-password.ts'
import { addPerson } from '../../../src/server/accounts/people.ts'
import { RESET_SECONDS, type ResetLinks } from '../../../src/server/accounts/reset-link.ts'
import type { Letter } from '../../../src/server/notices/letters.ts'
import { random, world, type World } from './support.ts'

const SENDER = { ip: '192.0.2.1', userAgent: 'Firefox', locale: 'en' }
const URL = 'https://id.example.com/password/reset/secret'

describe('a mail for a forgotten password', () => {
  let here: World
  let sent: Letter[]
  let forgotten: ForgottenPassword

  beforeEach(async () => {
    here = world()
    sent = []
    const { storage, clock, hasher, record, refusals } = here
    await addPerson(
      { accounts: storage.accounts, clock, random },
      {
        username: 'mira',
        email: 'mira@example.com',
        passwordHash: await hasher.hash('the old one'),
      },
    )
    const make: ResetLinks['make'] = async () => ({
      url: URL,
      expiresAt: clock.now() + RESET_SECONDS,
    })
    forgotten = forgottenPassword({
      accounts: storage.accounts,
      counters: storage.counters,
      clock,
      record,
      refusals,
      links: { make, look: async () => undefined, use: async () => ({ outcome: 'gone' }) },
      letters: { ...here.letters, put: async (letters) => void sent.push(...letters) },
      isOpen: async () => true,
    })
  })

  it('R3 is not sent any more once its link has ended, and goes to the verified address', async () => {
    const name = 'MIRA@example.com'
    await forgotten.ask({ name, sender: SENDER, browserIsKnown: async () => false })
    expect(sent).to.have.length(1)
    const { until, to, template, about } = sent[0] as Letter
    expect({ until, to, template, about }).to.deep.equal({
      until: here.clock.time + RESET_SECONDS,
      to: 'mira@example.com',
      template: 'password-reset',
      about: URL,
    })
  })

  it('R33 is not sent to a name that nobody has', async () => {
    await forgotten.ask({ name: 'ole', sender: SENDER, browserIsKnown: async () => false })
    expect(sent).to.deep.equal([])
  })
})
