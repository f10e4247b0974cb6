import { expect } from 'chai'
import { Provider } from 'oidc-provider'
import { memoryStorage } from '../../src/adapters/memory/index.ts'
import { MfaError } from '../../src/domain/errors.ts'
import { passkeys, type PasskeysOptions } from '../../src/factors/passkey/index.ts'
import { createMfa, totp } from '../../src/index.ts'
import { defaultConfiguration } from './host.ts'

describe('a factor and the issuer of the provider', () => {
  const attached = (issuer: string, options: PasskeysOptions) => (): void => {
    const storage = memoryStorage()
    const mfa = createMfa({
      issuerName: 'Acme',
      storage,
      encryptionKeys: [Buffer.alloc(32, 7)],
      factors: [totp(), passkeys(options)],
      firstEnrolment: 'password',
    })
    mfa.attach(new Provider(issuer, mfa.configure(defaultConfiguration(storage))))
  }

  it('are compared when the plugin is attached, before the first page', () => {
    expect(attached('https://id.example.com', { rpId: 'other.example' }))
      .to.throw(MfaError, 'rpId other.example is neither the host of the issuer, id.example.com')
      .with.property('code', 'options-invalid')
    expect(attached('https://id.example.com/op', { rpId: 'example.com' })).not.to.throw()
    expect(attached('http://127.0.0.1:3000', {})).not.to.throw()
  })
})
