import type Router from '@koa/router'
import { arePasskeysOffered, type PasskeyGroup } from '../../../config/passkeys.ts'
import { accountUrl } from './account.ts'

export interface WellKnowns {
  /** The issuer is an origin alone, so that each path below is at the root of its host. */
  readonly issuer: string
  readonly passkeys: PasskeyGroup
  readonly passwordPath: string
}

const CACHED = 'public, max-age=3600'

/** Adds the addresses that browsers and password managers look up. None of them knows who asks: no cookie is set. */
export function addWellKnowns(
  router: Router,
  { issuer, passkeys, passwordPath }: WellKnowns,
): void {
  // W3C, A Well-Known URL for Changing Passwords.
  router.get('/.well-known/change-password', (ctx) => {
    ctx.set('Cache-Control', 'no-store')
    ctx.redirect(passwordPath)
  })
  if (!arePasskeysOffered(passkeys, issuer)) return
  const manage = accountUrl({ issuer })
  const answers = {
    // Related origins: the pages that may ask for a passkey of this domain (WebAuthn Level 3, 5.11.1).
    '/.well-known/webauthn': { origins: [...new Set([issuer, ...(passkeys.origins ?? [])])] },
    // W3C, A Well-Known URL for Relying Party Passkey Endpoints.
    '/.well-known/passkey-endpoints': { enroll: manage, manage },
  }
  for (const [path, answer] of Object.entries(answers))
    router.get(path, (ctx) => {
      ctx.set('Cache-Control', CACHED)
      ctx.type = 'application/json'
      ctx.body = JSON.stringify(answer)
    })
}
