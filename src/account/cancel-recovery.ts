import { Router } from '@koa/router'
import type { Context, Middleware } from 'koa'
import { z } from 'zod'
import { manageUrlOf, providerOf, publicPath, type Core } from '../../interactions/core.ts'
import { Flood } from '../application/flood.ts'
import { cancelMailedRecovery } from '../application/recover.ts'
import { recoveryState, type RecoveryState } from '../domain/recovery.ts'
import type { Instant } from '../domain/time.ts'
import { readForm } from '../http/body.ts'
import { checkCsrf, csrfToken } from '../http/csrf.ts'
import { checkOrigin } from '../http/origin.ts'
import type { SealContext, SecretBox } from '../ports/services.ts'
import { bindingOf, mailedUrl, type NotMeOptions } from './not-me.ts'
import { requestDetail } from './request-detail.ts'
import { show } from './show.ts'

const PATH = '/cancel-recovery'
const DONE = '/done'
const PURPOSE = 'cancel-recovery'

/** The link belongs to no record: the account is in the sealed text, so that the address does not show it. */
const CONTEXT: SealContext = { accountId: '', purpose: 'cancel-recovery-link' }

const format = z.strictObject({
  accountId: z.string().min(1),
  since: z.number(),
  language: z.string().optional(),
})

/** The content of the link. It cancels the recovery that began at `since`, and no other one. */
type CancelLink = z.infer<typeof format>

export interface CancelRecoveryOptions extends NotMeOptions {
  /** When the recovery began, in seconds since the Unix epoch. */
  readonly since: Instant
}

/** The address at which a recovery is cancelled without a sign-in. Throws MfaError `not-attached`. */
export function cancelRecoveryUrl(
  core: Core,
  accountId: string,
  { since, language, issuer }: CancelRecoveryOptions,
): string {
  const link = { accountId, since, ...(language === undefined ? {} : { language }) }
  return mailedUrl(core, `${PATH}/${core.deps.box.seal(JSON.stringify(link), CONTEXT)}`, issuer)
}

/**
 * The page to which the notices of a recovery lead (R9). It asks for no sign-in: the owner may have lost nothing and
 * still be unable to sign in where they read the mail. A stranger who reads the mailbox can cancel too: that opens no
 * way in, but two cancellations in 30 days leave the owner to an administrator. The link is void with its recovery, so
 * that an old mail cannot end a later one.
 */
export function cancelRecoveryRoutes(core: Core): Middleware {
  const router = new Router({ prefix: core.path + PATH })
  const flood = new Flood()

  router.get(DONE, (ctx) => show(core, ctx, 'recovery-cancelled', signInOf(core)))

  // Mail scanners open every link, so a GET changes nothing.
  router.get('/:token', async (ctx) => {
    const { token = '' } = ctx.params
    const link = linkOf(core.deps.box, token)
    const state = await stateOf(core, link)
    if (link === undefined || state.state === 'none') return showOver(core, ctx, link)
    const model = {
      csrf: csrfToken(core.deps.box, bindingOf(token, PURPOSE)),
      action: `${publicPath(core)}${PATH}/${token}`,
      byMail: true,
      state: state.state,
      until: state.until,
    } as const
    await show(core, ctx, 'recovery-status', model, languageOf(link))
  })

  router.post('/:token', async (ctx) => {
    checkOrigin(ctx.headers, providerOf(core).issuer)
    const { token = '' } = ctx.params
    const { csrf } = await readForm(ctx)
    const link = linkOf(core.deps.box, token)
    if (link === undefined) return showOver(core, ctx, link)
    checkCsrf(core.deps.box, bindingOf(token, PURPOSE), csrf)
    const { accountId, since } = link
    const place = { interaction: token, response: token, accountAndClass: accountId }
    const detail = requestDetail(core, ctx, link.language)
    const isCancelled = await flood.run(place, () =>
      cancelMailedRecovery(core.deps, accountId, { since, detail }),
    )
    if (!isCancelled) return showOver(core, ctx, link)
    ctx.set('Cache-Control', 'no-store')
    ctx.redirect(publicPath(core) + PATH + DONE)
    ctx.status = 303
  })

  return router.routes() as Middleware
}

/** Whether the request is for these pages. */
export function isCancelRecovery({ path }: Core, ctx: Context): boolean {
  return ctx.path.startsWith(`${path}${PATH}/`)
}

/** Undefined for a token that is incomplete, forged, or sealed with a key that is gone. */
function linkOf(box: SecretBox, token: string): CancelLink | undefined {
  try {
    return format.parse(JSON.parse(box.open(token, CONTEXT)))
  } catch {
    return undefined
  }
}

/** The state of the recovery that the link names. */
async function stateOf(core: Core, link: CancelLink | undefined): Promise<RecoveryState> {
  if (link === undefined) return { state: 'none' }
  const { record } = await core.record(undefined, link.accountId)
  return record.recovery?.startedAt === link.since
    ? recoveryState(record, core.deps.clock.now())
    : { state: 'none' }
}

/** The recovery was cancelled, completed, or has ended otherwise; the page says how to lock the account. */
async function showOver(core: Core, ctx: Context, link: CancelLink | undefined): Promise<void> {
  await show(core, ctx, 'recovery-over', signInOf(core), languageOf(link))
  ctx.status = 410
}

function signInOf(core: Core): { href?: string } {
  const href = manageUrlOf(core)
  return href === undefined ? {} : { href }
}

function languageOf(link: CancelLink | undefined): { readonly language?: string } {
  return link?.language === undefined ? {} : { language: link.language }
}
