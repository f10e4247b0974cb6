import type { Context, Next } from 'koa'
import type { Provider } from 'oidc-provider'
import type { FileValues } from '../../../config/schema.ts'
import { MINUTE_SECONDS } from '../../domain/time.ts'
import { isAnswered } from '../../host/interaction.ts'
import { hostRouteOf, type HostRoute } from '../../host/provider.ts'
import type { Counters } from '../../ports/counters.ts'
import type { Clock } from '../../ports/services.ts'
import { CONFIRM_PATH } from '../accounts/change-email.ts'
import { addressLimit, type AddressLimit } from '../accounts/network-limit.ts'
import { networksOf } from '../accounts/network.ts'
import { RESET_PATH } from '../accounts/reset-link.ts'
import { SET_UP_PATH } from '../accounts/set-up-link.ts'
import type { ServerMfa } from '../boot/mfa.ts'
import type { ShowPage } from './render.ts'

export interface RequestLimits {
  readonly provider: Provider
  readonly mfa: Pick<ServerMfa, 'sessionOf'>
  readonly show: ShowPage
  readonly counters: Counters
  readonly clock: Clock
  readonly limits: FileValues['limits']
}

/**
 * Interactions are counted in windows of two minutes: a class that begins to work at the same moment may sign in twice
 * as often as the limit says, if it was quiet before.
 */
const BURST_MINUTES = 2

/** Each route of the host at which a request without a sign-in makes the storage grow, and the limit that counts it. */
const COUNTED: Readonly<Partial<Record<string, 'interactions' | 'pushed' | 'device'>>> = {
  authorization: 'interactions',
  resume: 'interactions',
  device_resume: 'interactions',
  // These store a session with the token of their form.
  code_verification: 'interactions',
  end_session: 'interactions',
  pushed_authorization_request: 'pushed',
  device_authorization: 'device',
}

/** The pages of mailed links, which need no sign-in: the first two are the plugin's. */
const OF_LINKS = ['/mfa/not-me', '/mfa/cancel-recovery', RESET_PATH, CONFIRM_PATH, SET_UP_PATH]

/**
 * Bounds what anonymous requests of one network make the storage keep (R43). It runs before the host, so that a refused
 * request writes nothing. A browser with a live session is never refused, and neither is one that comes back from a page
 * that it has answered.
 */
export function requestLimits(services: RequestLimits) {
  const { provider, counters, clock, limits } = services
  const perMinute = (name: string, limit: number, minutes = 1): AddressLimit =>
    addressLimit(counters, {
      name: `requests:${name}`,
      limit: limit * minutes,
      windowSeconds: minutes * MINUTE_SECONDS,
    })
  const counts = {
    interactions: perMinute('interactions', limits.interactionsPerMinute, BURST_MINUTES),
    pushed: perMinute('pushed', limits.pushedPerMinute),
    device: perMinute('device', limits.devicePerMinute),
    links: perMinute('links', limits.linksPerMinute),
  }

  return async (ctx: Context, next: Next): Promise<void> => {
    const route = hostRouteOf(provider, ctx.path)
    const kind = kindOf(ctx, route)
    if (kind === undefined) return void (await next())
    const networks = networksOf(ctx.ip)
    if (counts[kind].takeFree(networks, clock.now())) return void (await next())
    if (kind === 'interactions' && (await isExempt(services, ctx, route)))
      return void (await next())
    const retryAt = await counts[kind].take(networks, clock.now())
    if (retryAt === undefined) return void (await next())
    const retryAfterSeconds = Math.max(1, retryAt - clock.now())
    if (kind === 'interactions' || kind === 'links')
      return refuseWithPage(services.show, ctx, retryAfterSeconds)
    refuseProgram(ctx, retryAfterSeconds)
  }
}

type Kind = NonNullable<(typeof COUNTED)[string]> | 'links'

function kindOf(ctx: Context, route: HostRoute | undefined): Kind | undefined {
  if (ctx.method === 'OPTIONS') return undefined
  if (route !== undefined) return COUNTED[route.name]
  // The router takes the path in any letters, and so do the limits.
  const path = ctx.path.toLowerCase()
  const isOfLink = OF_LINKS.some((each) => path.startsWith(`${each}/`))
  return isOfLink && ctx.method === 'POST' ? 'links' : undefined
}

async function isExempt(
  { provider, mfa }: RequestLimits,
  ctx: Context,
  route: HostRoute | undefined,
): Promise<boolean> {
  const uid = route?.uid
  if (uid !== undefined && (await isAnswered(provider, uid))) return true
  return (await mfa.sessionOf(ctx)) !== undefined
}

async function refuseWithPage(show: ShowPage, ctx: Context, seconds: number): Promise<void> {
  const headers = { 'Retry-After': String(seconds) }
  await show(ctx, 'busy', { retryAfterSeconds: seconds }, { status: 429, headers })
}

/** RFC 9126 2.3 names the status; the error is the one of RFC 6749 for a server that cannot answer now. */
function refuseProgram(ctx: Context, seconds: number): void {
  ctx.status = 429
  ctx.set({ 'Retry-After': String(seconds), 'Cache-Control': 'no-store' })
  ctx.body = {
    error: 'temporarily_unavailable',
    error_description: 'too many requests from this network',
  }
}
