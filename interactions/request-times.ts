import type { Instant } from '../src/domain/time.ts'
import type { OIDC } from '../src/host/context.ts'
import { deviceAsksForLogin, deviceBehindAsksForLogin } from '../src/host/device.ts'
import { isDeviceRoute } from '../src/host/context.ts'
import { begunWith } from '../src/domain/first-factor.ts'
import { isForDevice } from '../src/host/interaction.ts'
import type { Resumable } from '../src/host/resume.ts'
import type { Subject } from './result.ts'
import { resultsOf } from './request.ts'
import { providerOf, type Core } from './core.ts'

/** The times between which the proofs of one request lie. */
export interface RequestTimes {
  /** Proofs before this time do not count for the request (R25). */
  readonly provedSince?: Instant
  /** Proofs since this time were given for the request. */
  readonly begunAt?: Instant
}

/**
 * The times that a request sets. `max_age` counts from now. A request for a new login (`prompt=login`) takes only proofs
 * that were given since the person began with it. Proofs of this authorization always count, because the person may have
 * taken longer than `max_age`.
 */
export function requestTimes(core: Core, oidc: OIDC): RequestTimes {
  const { login, mfa } = resultsOf(oidc) as {
    login?: { ts?: unknown } | null
    mfa?: { at?: unknown; since?: unknown } | null
  }
  const begunAt = beginning(mfa?.since, mfa?.at, login?.ts)
  const since = sinceFor(core, oidc)
  return {
    ...(begunAt === undefined ? {} : { begunAt }),
    ...(since === undefined ? {} : { provedSince: Math.min(since, begunAt ?? Infinity) }),
  }
}

/** A node of another release does not say since when: the first factor of its login was given for the request then. */
function beginning(since: unknown, at: unknown, ts: unknown): Instant | undefined {
  if (typeof since === 'number') return since
  const known = [at, ts].filter((time): time is Instant => typeof time === 'number')
  return known.length === 0 ? undefined : Math.min(...known)
}

/** The times of a request whose login page has just answered with a first factor. */
export async function timesAtLogin(
  core: Core,
  interaction: Resumable,
  subject: Pick<Subject, 'ts' | 'isEarlier'>,
): Promise<RequestTimes> {
  const now = core.deps.clock.now()
  const begunAt = begunWith({ ...subject, answeredAt: now })
  const { params } = interaction
  const isDevice = isForDevice(interaction)
  // The code of a device is read for an earlier first factor alone: another one is a new login.
  const isLoginAsked = isDevice
    ? subject.isEarlier === true && (await deviceBehindAsksForLogin(providerOf(core), interaction))
    : asksForLogin(params.prompt)
  const since = isLoginAsked ? now : sinceOf(params.max_age, isDevice, now)
  return { begunAt, ...(since === undefined ? {} : { provedSince: Math.min(since, begunAt) }) }
}

function sinceFor({ deps }: Core, oidc: OIDC): Instant | undefined {
  const now = deps.clock.now()
  const isDevice = isDeviceRoute(oidc)
  const isLoginAsked = isDevice ? deviceAsksForLogin(oidc) : asksForLogin(oidc.params?.prompt)
  return isLoginAsked ? now : sinceOf(oidc.params?.max_age, isDevice, now)
}

function sinceOf(maxAge: unknown, isDevice: boolean, now: Instant): Instant | undefined {
  const seconds = maxAge === undefined || maxAge === null ? NaN : Number(maxAge)
  if (Number.isFinite(seconds)) return now - seconds
  // No trusted browser stands in for the factor in the device flow.
  return isDevice ? 0 : undefined
}

function asksForLogin(prompt: unknown): boolean {
  return typeof prompt === 'string' && prompt.split(' ').includes('login')
}
