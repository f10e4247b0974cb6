import type { Browser, BrowserContext, Page } from 'playwright-core'
import { newPerson, type PersonOptions } from '../support/browser.ts'

/** The virtual authenticator of the browser: a phone's or a computer's own, or a security key. */
export const PLATFORM = {
  protocol: 'ctap2',
  transport: 'internal',
  hasResidentKey: true,
  hasUserVerification: true,
  isUserVerified: true,
  automaticPresenceSimulation: true,
} as const
export const SECURITY_KEY = {
  ...PLATFORM,
  transport: 'usb',
  hasResidentKey: false,
  hasUserVerification: false,
  isUserVerified: false,
} as const

export interface Device {
  readonly protocol: 'ctap2'
  /** `cable`: a phone that is reached by radio, which WebAuthn calls `hybrid`. */
  readonly transport: 'internal' | 'usb' | 'cable'
  readonly hasResidentKey: boolean
  readonly hasUserVerification: boolean
  readonly isUserVerified: boolean
  readonly automaticPresenceSimulation: boolean
  readonly defaultBackupEligibility?: boolean
  readonly defaultBackupState?: boolean
}

/** A credential as the virtual authenticator keeps it. */
export interface Kept {
  readonly credentialId: string
  readonly isResidentCredential: boolean
  readonly rpId?: string
  readonly privateKey: string
  readonly userHandle?: string
  readonly signCount: number
}

/** A person at a browser whose authenticators the test plugs in. */
export interface Visitor {
  readonly context: BrowserContext
  readonly page: Page
  /** The errors of the console and of scripts. */
  readonly complaints: readonly string[]
  /** Plugs in an authenticator; returns its id. */
  plugIn(device: Device): Promise<string>
  unplug(authenticatorId: string): Promise<void>
  keptIn(authenticatorId: string): Promise<readonly Kept[]>
  /** Puts a credential into an authenticator, in place of one with the same id. */
  keep(authenticatorId: string, credential: Kept): Promise<void>
}

export async function visit(browser: Browser, options: PersonOptions = {}): Promise<Visitor> {
  const { context, page } = await newPerson(browser, options)
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.location().url.endsWith('/favicon.ico'))
      complaints.push(`${message.text()} at ${page.url()}`)
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  const cdp = await context.newCDPSession(page)
  await cdp.send('WebAuthn.enable')
  return {
    context,
    page,
    complaints,
    async plugIn(device) {
      const made = await cdp.send('WebAuthn.addVirtualAuthenticator', { options: device })
      return made.authenticatorId
    },
    async unplug(authenticatorId) {
      await cdp.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId })
    },
    async keptIn(authenticatorId) {
      return (await cdp.send('WebAuthn.getCredentials', { authenticatorId })).credentials
    },
    async keep(authenticatorId, credential) {
      const { credentialId } = credential
      const { credentials } = await cdp.send('WebAuthn.getCredentials', { authenticatorId })
      if (credentials.some((each) => each.credentialId === credentialId))
        await cdp.send('WebAuthn.removeCredential', { authenticatorId, credentialId })
      await cdp.send('WebAuthn.addCredential', { authenticatorId, credential })
    },
  }
}
