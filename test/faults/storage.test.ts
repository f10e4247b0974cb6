import { expect } from 'chai'
import type { MfaRecords } from '../../src/ports/mfa-records.ts'
import { HttpClient } from '../support/http-client.ts'
import { authorizeUrl, callbackOf, redeem, startHost, type Host } from '../plugin/host.ts'
import { enrolledPerson, signIn, type Person } from '../plugin/sign-in.ts'
import { faultyStorage, type Fault, type FaultyStorage } from './faulty-storage.ts'
import { STEPS, type Answer, type Step } from './steps.ts'

/** The steps that each fault refuses. A full disk still stores small data, so `full` predicts nothing for one step. */
const REFUSED: Readonly<Record<Fault, ((step: Step) => boolean) | undefined>> = {
  gone: () => true,
  'read-only': ({ writes }) => writes,
  full: undefined,
  locked: ({ writes }) => writes,
  // Only the operations on MFA records are slow here, because the host's own records belong to the application.
  slow: ({ readsRecord }) => readsRecord,
}

for (const fault of Object.keys(REFUSED) as Fault[])
  describe(`R32 a storage that is ${fault}`, function () {
    this.timeout(60_000)
    const refused = REFUSED[fault]
    let faulty: FaultyStorage
    let host: Host
    let person: Person
    let record: Awaited<ReturnType<MfaRecords['load']>>
    let sessions: number
    let tried: readonly { step: Step; browser: HttpClient; answer: Answer }[]

    /** Prepares every step in its own browser, and performs all of them while the fault lasts. */
    before(async () => {
      faulty = faultyStorage()
      host = await startHost({ storage: faulty.open })
      person = await enrolledPerson(host)
      const prepared = []
      for (const step of STEPS) prepared.push({ step, ...(await step.prepare(host, person)) })
      await host.mfa.settled()
      record = await host.storage.records.load(person.username)
      sessions = await faulty.signedInSessions()
      await faulty.begin(fault)
      tried = await Promise.all(
        prepared.map(async ({ step, browser, act }) => ({ step, browser, answer: await act() })),
      )
      await faulty.end()
      await host.mfa.settled()
    })

    after(async () => {
      await faulty.end()
      await host.close()
      faulty.remove()
    })

    it('answers 503 wherever it is needed, and shows no trace', () => {
      for (const { step, answer } of tried) {
        if (refused === undefined ? answer.status >= 500 : refused(step))
          expectUnavailable(step, answer)
        else expect(answer.status, step.name).to.be.oneOf(step.ordinary)
        expect(answer.body, step.name).not.to.match(
          /SQLITE|sqlite|node_modules|at file:|mfa\.db|\.ts:/,
        )
      }
      expect(tried.filter(({ answer }) => answer.status >= 500)).not.to.deep.equal([])
    })

    if (refused !== undefined) {
      it('answers a right and a wrong code alike', () => {
        const guesses = tried.filter(({ step }) => step.name.endsWith(' code'))
        expect(guesses.map(({ answer }) => answer.status)).to.deep.equal([503, 503])
        // The link that tries again has the interaction in it, and each guess has its own.
        const [right, wrong] = guesses.map(({ answer }) =>
          answer.body.replaceAll(/\/mfa\/[\w-]+\//g, '/mfa/UID/'),
        )
        expect(right).to.contain('/mfa/UID/')
        expect(right).to.equal(wrong)
      })

      it('stores no session', async () => {
        expect(await faulty.signedInSessions()).to.equal(sessions)
      })
    }

    // A slow storage applies a write later: the write is valid, but no response has confirmed it.
    if (refused !== undefined && fault !== 'slow')
      it('spends and counts nothing that was not answered', async () => {
        expect(await host.storage.records.load(person.username)).to.deep.equal(record)
      })

    it('signs nobody in whom it refused', async () => {
      for (const { step, browser, answer } of tried)
        if (answer.status >= 400 && step.name !== 'the token') {
          const silent = await browser.get(authorizeUrl(host, { prompt: 'none' }))
          expect(callbackOf(silent).get('error'), step.name).to.equal('login_required')
        }
    })

    it('is used again as soon as the trouble is over', async () => {
      const back = await signIn(host, new HttpClient(), person)
      const { status, claims } = await redeem(host, callbackOf(back))
      expect(status).to.equal(200)
      expect(claims.amr).to.deep.equal(['pwd', 'otp', 'mfa'])
    })
  })

function expectUnavailable({ name, by }: Step, { status, headers, body, name: page }: Answer) {
  // The login page of the test answers with the code of the error that it has caught.
  if (by === 'application' && status === 500)
    return expect(body, name).to.equal('storage-unavailable')
  expect(status, name).to.equal(503)
  expect(headers['retry-after'], name).to.match(/^[1-9]\d*$/)
  if (by === 'plugin') expect(page, name).to.equal('unavailable')
}
