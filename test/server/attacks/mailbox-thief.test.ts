import { expect } from 'chai'
import type { MfaRecord } from '../../../src/domain/mfa-record.ts'
import { layFoundation } from '../../../src/server/boot/foundation.ts'
import { serverMfa, type ServerMfa } from '../../../src/server/boot/mfa.ts'
import { changeAccount } from '../../../src/server/accounts/people.ts'
import { PostOffice } from '../../journeys/post-office.ts'
import { HttpClient, type Page } from '../../support/http-client.ts'
import {
  addPerson,
  atTheApp,
  browserWithProof,
  PROOF,
  signIn,
  startServer,
  stopServers,
  type Person,
  type TestServer,
} from '../support.ts'

const HOUR = 3_600
const DAY = 24 * HOUR

/** `reset` and `recover` are attempts of the thief, `lock` is what the owner does after a notice, the others are waits. */
type Step = 'reset' | 'recover' | 'lock' | '73 h' | '8 d'

const ORDERS: readonly (readonly Step[])[] = [
  ['reset', 'recover'],
  ['reset', '73 h', 'recover'],
  ['reset', '8 d', 'recover', '73 h', 'recover'],
  ['reset', '73 h', 'reset', '73 h', 'recover', '8 d', 'recover'],
  ['reset', 'lock', 'reset', 'recover', '8 d', 'reset', 'recover'],
]

describe('a thief who reads the mail of a person', function () {
  this.timeout(60_000)
  let post: PostOffice
  let server: TestServer
  let mfa: ServerMfa
  let people = 0

  before(async () => {
    post = new PostOffice()
    await post.open()
    server = await startServer({
      environment: { SMTP_URL: post.url },
      settings: { limits: { resetsPerMinute: 100 } },
    })
    mfa = serverMfa(await layFoundation(server.config, server))
  })
  after(async () => {
    await stopServers()
    await post.close()
  })

  const at = (path: string): URL => new URL(path, server.issuer)
  interface Victim extends Person {
    readonly id: string
    readonly own: string
    readonly added: string
  }
  /** A person with a second factor, whose addresses have been verified for a week and longer. */
  const somebody = async (): Promise<Victim> => {
    people += 1
    const username = `alice${people}`
    const person = await addPerson(server, { username })
    const added = `${username}@backup.example`
    const now = server.clock.now()
    await changeAccount(server.storage.accounts, person.id, (account) => ({
      ...account,
      addresses: [{ address: added, verifiedAt: now }],
      enrolmentProof: { usedAt: now, until: now + 3600, epoch: 1, browser: PROOF.hash },
    }))
    await signIn(browserWithProof(server), server.authorize(), person, server)
    server.clock.ahead += 8 * DAY
    return Object.assign(person, { own: `${username}@example.com`, added })
  }
  const recordOf = async ({ id }: Victim): Promise<MfaRecord> =>
    (await server.storage.records.load(id))?.record as unknown as MfaRecord
  /** Everything that has come to a mailbox. The codes and links that were asked for are sent before the answer. */
  const readAll = async (address: string): Promise<string[]> => {
    const texts: string[] = []
    while (post.waiting(address) > 0) texts.push((await post.next(address)).text)
    return texts
  }

  const LINK = /^https?:\S+\/password\/reset\/\S+$/m
  const nextLink = async (address: string): Promise<string> => {
    for (;;) {
      const [link] = LINK.exec((await post.next(address)).text) ?? []
      if (link !== undefined) return link
    }
  }

  /** The mailbox that the thief reads, and the password that they have set. */
  interface Thief {
    readonly mailbox: string
    password?: string
  }
  const reset = async (victim: Victim, thief: Thief): Promise<void> => {
    const browser = new HttpClient()
    const form = await browser.get(at('/password/forgotten'))
    await browser.submit(form, { username: victim.username })
    if ((await recordOf(victim)).frozenAt !== undefined) return
    const link = await nextLink(victim.own)
    if (thief.mailbox !== victim.own) return
    const password = `a password of the thief ${people} ${server.clock.ahead}`
    const done = await browser.submit(await browser.get(link), { password })
    if (done.name === 'password-reset-done') thief.password = password
  }
  /** Tries every address that recovery offers, with every code in the mailbox. Answers the pages that were reached. */
  const recover = async (victim: Victim, thief: Thief): Promise<Page[]> => {
    const { password } = thief
    if (password === undefined) return []
    const reached: Page[] = []
    for (const address of ['0', '1']) {
      const browser = new HttpClient()
      const login = await browser.visit(server.authorize(), atTheApp)
      const entered = await browser.submit(login, { username: victim.username, password })
      const verify = await browser.follow(entered, atTheApp)
      expect(verify.name).to.equal('totp-verify')
      const recovery = await browser.visit(verify.link('[data-lost]'))
      reached.push(recovery)
      if (recovery.all('form[action$="/recovery"]').length === 0) continue
      const form = { form: 'form[action$="/recovery"]' }
      const proof = await browser.follow(await browser.submit(recovery, { address }, form))
      reached.push(proof)
      const codes = (await readAll(thief.mailbox)).flatMap((text) => text.match(/\b\d{8}\b/g) ?? [])
      for (const code of codes)
        reached.push(await browser.follow(await browser.submit(proof, { code })))
      // Another code is sent after a minute.
      server.clock.ahead += 61
    }
    return reached
  }
  const take = async (step: Step, victim: Victim, thief: Thief): Promise<Page[]> => {
    switch (step) {
      case 'reset':
        await reset(victim, thief)
        return []
      case 'recover':
        return recover(victim, thief)
      case 'lock':
        await mfa.accounts.freeze(victim.id)
        return []
      case '73 h':
        server.clock.ahead += 73 * HOUR
        return []
      case '8 d':
        server.clock.ahead += 8 * DAY
        return []
    }
  }

  for (const order of ORDERS)
    for (const mailbox of ['own', 'added'] as const)
      it(`R9 does not get in by ${order.join(', ')}, with the ${mailbox} address of two`, async () => {
        const victim = await somebody()
        const { authenticators } = await recordOf(victim)
        const thief: Thief = { mailbox: victim[mailbox] }
        const seen: Page[] = []
        for (const step of order) seen.push(...(await take(step, victim, thief)))
        // Only the address that signs in gets the link for a new password.
        expect(thief.password !== undefined).to.equal(mailbox === 'own')
        expect((await readAll(victim.added)).join()).not.to.match(LINK)
        for (const { name, alert } of seen)
          expect(name, alert).to.be.oneOf(['recovery', 'recovery-proof'])
        const record = await recordOf(victim)
        expect(record.recovery).to.equal(undefined)
        expect(record.authenticators).to.deep.equal(authenticators)
      })

  it('R9 R44 who reads both mailboxes waits after the reset and after the start, which both mailboxes tell, and the owner ends it by one link', async () => {
    const victim = await somebody()
    const { authenticators } = await recordOf(victim)
    const thief: Thief = { mailbox: victim.own }
    const both = [victim.own, victim.added]
    await reset(victim, thief)
    expect(
      (await recover(victim, { ...thief, mailbox: victim.added })).map(({ name }) => name),
    ).to.deep.equal(['recovery', 'recovery'])
    server.clock.ahead += 73 * HOUR
    for (const address of both) await readAll(address)

    const asked = await recover(victim, { ...thief, mailbox: victim.added })
    expect(asked.at(-1)?.name).to.equal('recovery-status')
    const { recovery } = await recordOf(victim)
    const cancelLinks: string[] = []
    for (const address of both) {
      let link: string | undefined
      while (link === undefined)
        link = /^https?:\S+\/cancel-recovery\/\S+$/m.exec((await post.next(address)).text)?.[0]
      cancelLinks.push(link)
    }
    // The status page comes in every sign-in until the whole wait is over.
    server.clock.ahead = recovery!.opensAt - 60 - (server.clock.now() - server.clock.ahead)
    expect((await recover(victim, { ...thief, mailbox: victim.added })).at(-1)?.name).to.equal(
      'recovery-status',
    )

    const owner = new HttpClient()
    const page = await owner.get(cancelLinks[0]!)
    expect((await recordOf(victim)).recovery).not.to.equal(undefined)
    await owner.submit(page)
    server.clock.ahead += 8 * DAY
    const late = await recover(victim, { ...thief, mailbox: victim.added })
    // It may begin once more, with the whole wait.
    expect(late.map(({ name }) => name)).not.to.include('recovery-bind')
    expect((await recordOf(victim)).recovery?.opensAt).to.be.greaterThan(server.clock.now())
    expect((await recordOf(victim)).authenticators).to.deep.equal(authenticators)
  })
})
