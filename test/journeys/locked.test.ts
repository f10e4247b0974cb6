import { expect } from 'chai'
import { setStage } from './stage.ts'
import type { Visitor } from './visitor.ts'

describe('wrong codes', function () {
  const stage = setStage(this)
  let people = 0

  async function arriveAtVerify(): Promise<Visitor> {
    const person = await stage.server.addPerson(`person-${(people += 1)}`)
    const visitor = await stage.arrive()
    await visitor.enrolAt(stage.server.app, person)
    await visitor.forget()
    await visitor.askToSignIn()
    await visitor.typePassword(person)
    return visitor
  }

  async function guessFiveTimes(visitor: Visitor): Promise<{ status: number; text: string }[]> {
    const answers = []
    for (let guess = 0; guess < 5; guess += 1) {
      const response = await visitor.typeCode(visitor.wrongCode())
      const text = await visitor.page.locator('main').innerText()
      answers.push({ status: response?.status() ?? 0, text })
    }
    return answers
  }

  it('R2 five are answered alike, then nothing is examined for half a minute, not even the right code', async () => {
    const visitor = await arriveAtVerify()
    const answers = await guessFiveTimes(visitor)
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).to.equal(1)
    expect(answers[0]?.status).to.equal(422)

    const right = await visitor.nextCode()
    await visitor.server.later(-30)
    const refused = await visitor.typeCode(right)
    expect(refused?.status()).to.equal(429)
    expect(Number(refused?.headers()['retry-after'])).to.be.within(1, 30)
    await visitor.see('locked')
    expect(await visitor.page.locator('main').innerText()).to.match(/second/)

    // The right code was not examined, so it is not spent, and it is accepted when the lock has ended.
    await visitor.server.later(31)
    await visitor.press('[data-after-countdown]')
    expect(await visitor.at()).to.equal('totp-verify')
    await visitor.typeCode(right)
    await visitor.allow()
    expect(await visitor.at()).to.equal('rp-signed-in')
  })

  it('R2 a reload of the form and the other way are closed as well, and the app can still be gone back to', async () => {
    const visitor = await arriveAtVerify()
    await guessFiveTimes(visitor)
    const form = visitor.page.url()
    const again = await visitor.visit(form)
    expect(again?.status()).to.equal(429)
    expect(await visitor.at()).to.equal('locked')
    await visitor.visit(`${form.slice(0, form.lastIndexOf('/verify'))}/verify/backup-codes`)
    expect(await visitor.at()).to.equal('locked')
    await visitor.press('[data-refuse]')
    await visitor.see('rp-error', 'denied')
    expect(await visitor.page.locator('[data-error]').innerText()).to.equal('access_denied')
  })

  it('R2 of a stranger do not keep the owner waiting, whose browser is known', async () => {
    const { server } = stage
    const person = await server.addPerson(`person-${(people += 1)}`)
    const owner = await stage.arrive()
    await owner.enrolAt(server.app, person)
    await owner.press('form[action="/sign-out"] button')
    if ((await owner.at()) === 'logout') await owner.press()

    const stranger = await stage.arrive()
    await stranger.askToSignIn()
    await stranger.typePassword(person)
    stranger.authenticator = owner.authenticator
    await guessFiveTimes(stranger)
    await stranger.page.reload()
    expect(await stranger.at()).to.equal('locked')

    await owner.askToSignIn()
    await owner.typePassword(person)
    await owner.typeCode(await owner.nextCode())
    await owner.allow()
    expect(await owner.at()).to.equal('rp-signed-in')
  })

  it('tell when the wait is over, without a reload', async () => {
    const visitor = await arriveAtVerify()
    await guessFiveTimes(visitor)
    await visitor.page.clock.install()
    await visitor.page.goto(visitor.page.url())
    await visitor.page.clock.runFor(31_000)
    expect(await visitor.page.locator('[data-countdown]').innerText()).to.match(/try again/i)
  })
})
