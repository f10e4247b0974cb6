import { expect } from 'chai'
import type { MfaDetails } from '../../interactions/mfa/prompt.ts'
import type { Visit } from '../../interactions/mfa/visit.ts'
import { loadRecord } from '../../src/application/commit.ts'
import type { Place } from '../../src/application/place.ts'
import { placeOf, type World } from '../application/world.ts'
import { corePolicy } from './core-policy.ts'

/** The end of a visit: a page, or the way on. */
export interface Ended {
  readonly status: number
  /** The page that was shown, and its model without the form's token. */
  readonly page: unknown
  readonly model: Readonly<Record<string, unknown>>
  readonly to: string
  readonly headers: Readonly<Record<string, string>>
  /** The results that were stored with the interaction, the last one first. */
  readonly stored: readonly Readonly<Record<string, unknown>>[]
}

export interface VisitOptions {
  readonly place?: Place
  readonly details?: Partial<MfaDetails>
  readonly params?: Readonly<Record<string, unknown>>
  /** The lifetime of the interaction from now. */
  readonly seconds?: number
  readonly cookie?: string
  /** The results that are stored with the interaction. */
  readonly result?: Readonly<Record<string, unknown>>
}

export const BACK = 'http://op.example/auth/uid'

/** One request of mira to a page of the second factor, without a server; returns what the page does. */
export async function visiting(
  of: World,
  options: VisitOptions,
  look: (visit: Visit) => Promise<void>,
): Promise<Ended> {
  const { place = placeOf(), details = {}, params = {}, seconds = 3600, cookie, result } = options
  const shown: unknown[][] = []
  const stored: Record<string, unknown>[] = []
  const headers: Record<string, string> = {}
  const interaction = {
    uid: 'uid',
    cid: 'the-authorization',
    exp: of.clock.now() + seconds,
    params,
    returnTo: BACK,
    result: result as Record<string, unknown> | undefined,
    persist: async () => void stored.unshift({ ...interaction.result }),
  }
  const ctx = {
    status: 404,
    location: '',
    set: (name: string | object, value?: string) =>
      Object.assign(headers, typeof name === 'string' ? { [name]: value } : name),
    redirect: (to: string) => (ctx.location = to),
    req: { headers: { cookie } },
    res: { appendHeader: (_: string, value: string) => (headers['Set-Cookie'] = value) },
  }
  const core = {
    ...corePolicy,
    deps: of.deps,
    path: '/mfa',
    links: {},
    notices: [],
    issuerName: 'Acme',
    serviceName: 'Acme',
    provider: { issuer: 'http://op.example' },
    record: async (_: unknown, accountId: string) => loadRecord(of.deps, accountId),
    views: { render: async (...asked: unknown[]) => (shown.push(asked), 'html') },
  }
  const visit = {
    core,
    ctx,
    interaction,
    details: { reason: 'policy', label: 'mira', rule: 'refused', client: {}, ...details },
    subject: { accountId: 'mira', amr: ['pwd'], ts: of.clock.now(), epoch: place.epoch },
    stepUp: false,
    seen: await loadRecord(of.deps, 'mira'),
    place,
    tokens: { shown: [], fresh: 'f'.repeat(22) },
    locale: 'de',
  } as unknown as Visit
  await look(visit)
  const [page, model] = shown[0] ?? []
  const { csrf, ...rest } = (model ?? {}) as Record<string, unknown>
  if (page !== undefined) expect(csrf).to.be.a('string')
  return { status: ctx.status, page, model: rest, to: ctx.location, headers, stored }
}

/** The code and the status of the error with which a visit ends. */
export async function refusalOf(visit: Promise<Ended>): Promise<unknown> {
  const reason: unknown = await visit.catch((error: unknown) => error)
  const { code, status } = reason as { code?: string; status?: number }
  return [code, status]
}
