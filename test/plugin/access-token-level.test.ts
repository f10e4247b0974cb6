import { expect } from 'chai'
import type { Configuration } from 'oidc-provider'
import { MULTI_FACTOR_ACR } from '../../src/index.ts'
import { exampleWith, importCode } from '../docs/examples.ts'
import { CLIENT, callbackOf, defaultConfiguration, redeem, startHost } from './host.ts'
import { STORAGES } from './recorded-storage.ts'
import { enrolledPerson, signIn } from './sign-in.ts'

const API = 'urn:example:api'

const claimsOf = (token = ''): Record<string, unknown> =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<
    string,
    unknown
  >

describe('a JWT access token', () => {
  it('R27 has the level, the factors and the time of the sign-in with the lines of the guide, after a refresh too', async () => {
    const lines = exampleWith('docs/guides/add-to-your-provider.md', 'js', 'extraTokenClaims')
    const { configuration } = await importCode<{ configuration: Partial<Configuration> }>(
      `export const configuration = {\n${lines}\n}`,
    )
    const { features } = defaultConfiguration(STORAGES.memory!({ now: () => 0 }))
    const host = await startHost({
      configuration: {
        ...configuration,
        features: {
          ...features,
          resourceIndicators: {
            enabled: true,
            defaultResource: () => API,
            useGrantedResource: () => true,
            getResourceServerInfo: () => ({ scope: 'email', accessTokenFormat: 'jwt' }),
          },
        },
        issueRefreshToken: async () => true,
        async loadExistingGrant(ctx) {
          const { client, session, provider } = ctx.oidc
          const { clientId } = client!
          const grant = new provider.Grant({ clientId, accountId: session!.accountId! })
          grant.addOIDCScope('openid email')
          grant.addResourceScope(API, 'email')
          await grant.save()
          return grant
        },
      },
    })
    try {
      const mira = await enrolledPerson(host)
      const back = callbackOf(await signIn(host, mira.browser, mira, { prompt: 'login' }))
      const { tokens, claims } = await redeem(host, back)
      const level = {
        acr: MULTI_FACTOR_ACR,
        amr: ['pwd', 'otp', 'mfa'],
        auth_time: claims.auth_time,
      }
      expect(claimsOf(tokens.access_token)).to.deep.include({ aud: API, ...level })
      const answer = await fetch(new URL('/token', host.issuer), {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'refresh_token',
          refresh_token: tokens.refresh_token ?? '',
        }),
        headers: {
          Authorization: `Basic ${Buffer.from(`${CLIENT.client_id}:${CLIENT.client_secret}`).toString('base64')}`,
        },
      })
      const { access_token: refreshed } = (await answer.json()) as { access_token?: string }
      expect(claimsOf(refreshed)).to.deep.include(level)
    } finally {
      await host.close()
    }
  })
})
