import { expect } from 'chai'
import { setStage } from './stage.ts'

/** The demonstration asks for a second factor of the last five minutes before it sends money. */
describe('the transfer of money', function () {
  const stage = setStage(this)

  it('asks for the factor alone once it is older than five minutes, and then goes on', async () => {
    const person = await stage.enrolled()
    const visitor = await stage.arrive()
    visitor.take(person)
    await visitor.askToSignIn()
    await visitor.typePassword(person)
    await visitor.typeCode(await visitor.nextCode())
    expect(await visitor.at()).to.equal('rp-signed-in')
    const signedInAt = await visitor.claim('auth_time')

    await visitor.press('a[href="/transfer"]')
    if ((await visitor.at()) === 'totp-verify') await visitor.typeCode(await visitor.nextCode())
    expect(await visitor.at()).to.equal('rp-transfer')
    await visitor.press('form[action="/transfer"] button')
    expect(await visitor.at()).to.equal('rp-transferred')

    await stage.server.later(301)
    await visitor.visit(`${stage.server.app}/transfer`)
    await visitor.see('totp-verify')
    await visitor.typeCode(await visitor.nextCode())
    expect(await visitor.at()).to.equal('rp-transfer')
    await visitor.visit(stage.server.app)
    expect(await visitor.claim('auth_time')).to.equal(signedInAt)
    expect(await visitor.claim('acr')).to.contain('multi-factor')
  })
})
