import { expect } from 'chai'
import { setStage } from './stage.ts'

describe('a restart of the server', function () {
  const stage = setStage(this)

  it('in the middle of a first sign-in loses nothing', async () => {
    const { server } = stage
    const visitor = await stage.arrive()
    await visitor.askToSignIn()
    await server.restart()
    await visitor.typePassword(server.demonstration)
    const { secret } = await visitor.scan()
    await server.restart()
    await visitor.page.reload()
    expect((await visitor.scan()).secret).to.equal(secret)
    await visitor.typeCode(visitor.code())
    await visitor.writeCodesDown()
    const codes = visitor.backupCodes
    await server.restart('SIGKILL')
    await visitor.page.reload()
    await visitor.writeCodesDown()
    expect(visitor.backupCodes).to.deep.equal(codes)
    await visitor.page.check('input[name=saved]')
    await visitor.press()
    expect(await visitor.at()).to.equal('consent')
    // The app keeps its sessions in memory, so after the restart it no longer knows its authorization request.
    await visitor.press()
    expect(await visitor.at()).to.equal('rp-error')
    await visitor.askToSignIn()
    expect(await visitor.at()).to.equal('rp-signed-in')
  })

  it('in the middle of a later one leaves the code to be typed, and a spent code spent', async () => {
    const { server } = stage
    const person = await server.addPerson('later')
    const visitor = await stage.arrive()
    await visitor.enrolAt(server.app, person)
    await visitor.forget()
    await visitor.askToSignIn()
    await visitor.typePassword(person)
    await server.restart('SIGKILL')
    const replayed = await visitor.typeCode(visitor.typed)
    expect(replayed?.status()).to.equal(422)
    await visitor.typeCode(await visitor.nextCode())
    // The app no longer knows its authorization request, but the provider still knows who is signed in.
    expect(await visitor.at()).to.equal('rp-error')
    await visitor.askToSignIn()
    expect(await visitor.at()).to.equal('rp-signed-in')
  })
})
