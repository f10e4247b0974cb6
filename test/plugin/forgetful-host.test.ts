import { expect } from 'chai'
import { interactionPolicy, Provider, type AdapterFactory, type Configuration } from 'oidc-provider'
import { memoryStorage } from '../../src/adapters/memory/index.ts'
import { createMfa, MfaError, totp, type Mfa } from '../../src/index.ts'
import { HttpClient } from '../support/http-client.ts'
import {
  authorizeUrl,
  callbackOf,
  defaultConfiguration,
  follow,
  showPassword,
  startHost,
  type HostOptions,
} from './host.ts'
import { signedInSessions, STORAGES } from './recorded-storage.ts'

/** Ways in which a login page that does not know of the plugin answers a right password. */
const FORGETFUL: Readonly<Record<string, NonNullable<HostOptions['answer']>>> = {
  'provider.interactionFinished': async ({ provider }, request, response, accountId) =>
    provider.interactionFinished(request, response, { login: { accountId } }),

  'provider.interactionResult': async ({ provider }, request, response, accountId) => {
    const to = await provider.interactionResult(request, response, { login: { accountId } })
    response.writeHead(303, { location: to }).end()
  },

  'interaction.result and persist()': async ({ provider }, request, response, accountId) => {
    const interaction = await provider.interactionDetails(request, response)
    interaction.result = { login: { accountId } }
    await interaction.persist()
    response.writeHead(303, { location: interaction.returnTo }).end()
  },

  'interaction.result and save(), with a seal that it made up': async (
    { provider },
    request,
    response,
    accountId,
  ) => {
    const interaction = await provider.interactionDetails(request, response)
    const login = { accountId, acr: 'x', amr: ['pwd'], ts: 1, epoch: 1, seal: 'x'.repeat(43) }
    interaction.result = { login }
    await interaction.save(60)
    response.writeHead(303, { location: interaction.returnTo }).end()
  },

  'lastSubmission and persist()': async ({ provider }, request, response, accountId) => {
    const interaction = await provider.interactionDetails(request, response)
    Object.assign(interaction, { lastSubmission: { login: { accountId } } })
    await interaction.persist()
    response.writeHead(303, { location: interaction.returnTo }).end()
  },
}

for (const [name, storage] of Object.entries(STORAGES))
  describe(`a host that forgets mfa.interactionFinished (${name})`, () => {
    for (const [way, answer] of Object.entries(FORGETFUL))
      it(`R17 signs nobody in by ${way}, and is told what to mend`, async () => {
        const told: Error[] = []
        const host = await startHost({
          storage,
          async answer(...given) {
            try {
              await answer(...given)
            } catch (error) {
              told.push(error as Error)
              throw error
            }
          },
        })
        try {
          const browser = new HttpClient()
          const refused = await showPassword(host, browser, 'mira')
          expect(refused.body).to.equal('login-not-sealed')
          expect(told[0]!.message).to.contain('mfa.interactionFinished')
          expect(signedInSessions(host.writes)).to.deep.equal([])
          const silent = await browser.get(authorizeUrl(host, { prompt: 'none' }))
          expect(callbackOf(silent).get('error')).to.equal('login_required')
        } finally {
          await host.close()
        }
      })

    it('R17 is asked for the factor by a session that it stores by itself', async () => {
      const host = await startHost({
        storage,
        async answer({ provider }, request, response, accountId) {
          const { returnTo } = await provider.interactionDetails(request, response)
          const session = await provider.Session.get(provider.createContext(request, response))
          session.loginAccount({ accountId })
          await session.save(3600)
          response.writeHead(303, { location: returnTo }).end()
        },
      })
      try {
        const browser = new HttpClient()
        await browser.get(new URL('/session/end', host.issuer))
        const page = await showPassword(host, browser, 'mira')
        expect(page.name).to.equal('totp-enrol')
        const silent = await browser.get(authorizeUrl(host, { prompt: 'none' }))
        expect(callbackOf(silent).get('error')).to.equal('interaction_required')
      } finally {
        await host.close()
      }
    })
  })

describe('a host that forgets mfa.configure', () => {
  const newMfa = (): Mfa =>
    createMfa({
      issuerName: 'Acme',
      storage: memoryStorage(),
      encryptionKeys: [Buffer.alloc(32, 7)],
      factors: [totp()],
      firstEnrolment: 'password',
    })
  const plain = (): Configuration => defaultConfiguration(memoryStorage())
  const newProvider = (configuration: Configuration): Provider =>
    new Provider('http://op.example', configuration)
  const refusalOf = (act: () => void): { code: string; message: string } => {
    try {
      act()
    } catch (error) {
      return error as MfaError
    }
    throw new Error('Nothing was refused')
  }

  it('R17 is told so by name at attach', () => {
    const refused = refusalOf(() => newMfa().attach(newProvider(plain())))
    expect(refused.code).to.equal('not-configured')
    expect(refused.message).to.contain('new Provider(issuer, mfa.configure(configuration))')
  })

  it('R17 is told so when configure comes after the provider, or belongs to another createMfa', () => {
    const late = newMfa()
    const provider = newProvider(plain())
    late.configure(plain())
    expect(refusalOf(() => late.attach(provider)).code).to.equal('not-configured')
    const ofAnother = newProvider(newMfa().configure(plain()))
    expect(refusalOf(() => newMfa().attach(ofAnother)).code).to.equal('not-configured')
  })

  it('R17 is told so when it puts its own adapter back', () => {
    const mfa = newMfa()
    const { adapter } = plain()
    const provider = newProvider({ ...mfa.configure(plain()), adapter: adapter! })
    const refused = refusalOf(() => mfa.attach(provider))
    expect(refused.code).to.equal('not-configured')
    expect(refused.message).to.contain('`adapter`')
  })

  it('R17 is told so when attach comes before the provider', () => {
    const refused = refusalOf(() => newMfa().attach(undefined as never))
    expect(refused.code).to.equal('options-invalid')
    expect(refused.message).to.contain('new Provider')
  })

  it('may wrap the adapter that it was given', () => {
    const mfa = newMfa()
    const configured = mfa.configure(plain())
    const adapter = configured.adapter as AdapterFactory
    const wrapped: AdapterFactory = (name) => adapter(name)
    expect(() => mfa.attach(newProvider({ ...configured, adapter: wrapped }))).not.to.throw()
  })

  it('may have an adapter that cannot be made before its database is there', () => {
    const mfa = newMfa()
    const adapter: AdapterFactory = () => {
      throw new Error('no database yet')
    }
    expect(() => mfa.attach(newProvider(mfa.configure({ ...plain(), adapter })))).not.to.throw()
  })

  it('R17 gets no authorization through when it puts its own policy back, and is told so by name', async () => {
    const host = await startHost({
      reconfigure: (configured) => ({
        ...configured,
        interactions: { ...configured.interactions, policy: interactionPolicy.base() },
      }),
    })
    try {
      const browser = new HttpClient()
      const answer = await follow(host, browser, await browser.get(authorizeUrl(host)))
      expect(answer.status).to.equal(500)
      expect(host.faults.map((fault) => (fault as MfaError).code)).to.deep.equal(['not-configured'])
      expect(host.faults[0]!.message).to.contain('`interactions.policy`')
    } finally {
      await host.close()
    }
  })
})

describe('a host that forgets mfa.attach', () => {
  it('R17 gets no authorization through, and is told so by name', async () => {
    const host = await startHost({ attach: false })
    try {
      const browser = new HttpClient()
      const told: { code?: string; message: string }[] = []
      host.provider.on('server_error', (_ctx, error) => told.push(error))
      const answer = await follow(host, browser, await browser.get(authorizeUrl(host)))
      expect(answer.status).to.equal(500)
      expect(answer.body).not.to.contain('attach')
      expect(told.map(({ code }) => code)).to.deep.equal(['not-attached'])
      expect(told[0]!.message).to.contain('mfa.attach(provider)')
      expect(host.faults, 'in the log, with any listener').to.deep.equal(told)
    } finally {
      await host.close()
    }
  })

  it('R17 cannot answer its login page', async () => {
    const host = await startHost({ attach: false })
    try {
      const request = { headers: {} } as never
      const refused = await host.mfa
        .interactionFinished(request, {} as never, { login: { accountId: 'mira' } })
        .catch((error: unknown) => error)
      expect(refused).to.include({ code: 'not-attached' })
    } finally {
      await host.close()
    }
  })

  it('R17 cannot lend it to a second provider', async () => {
    const host = await startHost()
    try {
      const configuration = host.mfa.configure(defaultConfiguration(host.storage))
      const second = new Provider('http://127.0.0.1:1', configuration)
      expect(() => host.mfa.attach(second))
        .to.throw(MfaError)
        .with.property('code', 'options-invalid')
    } finally {
      await host.close()
    }
  })
})
