import { expect } from 'chai'
import { fileSchema } from '../../../config/settings-file.ts'
import { hasherOf } from '../../../src/server/boot/foundation.ts'
import { HttpClient } from '../../support/http-client.ts'
import { addPerson, signIn, startServer, stopServers } from '../support.ts'

describe('what a password costs', () => {
  afterEach(stopServers)

  it('is 64 MiB and three passes by default, and never less than OWASP asks for', async () => {
    expect(await hasherOf(fileSchema.parse({})).hash('x')).to.match(
      /^\$argon2id\$v=19\$m=65536,t=3,p=1\$/,
    )
    for (const passwords of [{ hashMemoryKib: 19_455 }, { hashPasses: 1 }])
      expect(fileSchema.safeParse({ passwords }).success).to.equal(false)
  })

  it('grows for each person at the next sign-in', async () => {
    const server = await startServer({
      settings: {
        passwords: { hashMemoryKib: 20_480, hashPasses: 2 },
        mfa: { required: 'optional' },
      },
    })
    const person = await addPerson(server)
    const hash = async () => (await server.storage.accounts.byId(person.id))?.account.passwordHash
    expect(await hash()).to.contain('m=19456,t=2')
    await signIn(new HttpClient(), server.authorize(), person, server)
    expect(await hash()).to.contain('m=20480,t=2')
  })
})
