import { expect } from 'chai'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { MULTI_FACTOR_ACR, PASSWORD_ACR } from '../../src/domain/policy/levels.ts'
import { setStage } from './stage.ts'

const DAY = 86_400

describe('a second factor that a rule asks for within a week', function () {
  const stage = setStage(this, (folder) => {
    const settings = join(folder, 'settings.json')
    const rule = {
      name: 'a factor within a week',
      require: 'multi-factor',
      enrol: { graceSeconds: 7 * DAY },
    }
    writeFileSync(
      settings,
      JSON.stringify({
        mfa: { required: 'optional', firstEnrolment: 'password' },
        policy: { rules: [rule] },
      }),
    )
    return { CONFIG_FILE: settings }
  })

  it('can be put off until its last day, and has to be set up after it', async () => {
    const { server } = stage
    const person = await server.addPerson('unhurried')
    const visitor = await stage.arrive()
    const signIn = async (): Promise<void> => {
      await visitor.askToSignIn()
      await visitor.typePassword(person)
    }
    await signIn()
    await visitor.see('enrol-later')
    await visitor.press('[data-later]')
    await visitor.allow()
    expect(await visitor.at()).to.equal('rp-signed-in')
    expect(await visitor.claim('acr')).to.equal(PASSWORD_ACR)

    await server.later(7 * DAY - 600)
    await signIn()
    expect(await visitor.at()).to.equal('enrol-later')

    await server.later(601)
    await signIn()
    await visitor.see('totp-enrol')
    await visitor.setUp()
    await visitor.allow()
    expect(await visitor.at()).to.equal('rp-signed-in')
    expect(await visitor.claim('acr')).to.equal(MULTI_FACTOR_ACR)
  })

  it('is asked for at once in a new browser, where the password alone might be a stranger’s', async () => {
    const { server } = stage
    const person = await server.addPerson('cautious')
    const owner = await stage.arrive()
    await owner.askToSignIn()
    await owner.typePassword(person)
    await owner.press('[data-later]')
    const stranger = await stage.arrive()
    await stranger.askToSignIn()
    await stranger.typePassword(person)
    expect(await stranger.page.locator('[data-later]').count()).to.equal(0)
    expect(await stranger.at()).to.not.equal('rp-signed-in')
  })
})
