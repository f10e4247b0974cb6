import { z } from 'zod'
import { MfaError } from '../domain/errors.ts'
import { MOST_RULES_MET } from '../domain/grace.ts'
import type { JsonObject } from '../domain/json.ts'
import { RECORD_SCHEMA, type MfaRecord } from '../domain/mfa-record.ts'
import { MOST_TRACES } from '../domain/trace.ts'
import {
  MOST_PREVIOUS,
  MOST_TRUSTED_BROWSERS,
  MOST_TRUSTS_IN_A_BROWSER,
} from '../domain/trusted-browser.ts'

const instant = z.number().int().nonnegative()
const count = z.number().int().nonnegative()
const text = z.string().min(1)

/** Kebab-case. */
const EVENT_TYPE = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/

const proof = z.object({ interaction: text, at: instant })
const delay = z.object({ failures: count, until: instant.optional() })

const format = z.object({
  schema: z.literal(RECORD_SCHEMA),
  accountId: text,
  epoch: count.min(1),
  authenticators: z.array(
    z.object({
      id: text,
      factor: text,
      name: z.string(),
      createdAt: instant,
      lastUsedAt: instant.optional(),
      renewBy: instant.optional(),
      handles: z.array(text).optional(),
      sealed: text,
    }),
  ),
  pending: z.array(
    z.object({
      interaction: text,
      factor: text,
      sealed: text,
      sentTo: text.optional(),
      isProved: z.literal(true).optional(),
      expiresAt: instant,
      delay,
    }),
  ),
  challenges: z.array(
    z.object({
      interaction: text,
      purpose: text,
      sealed: text,
      sentTo: text.optional(),
      expiresAt: instant,
    }),
  ),
  throttle: z.object({
    failedAt: z.array(instant),
    codesDisabledAt: instant.optional(),
    unknownBrowsers: delay,
    passwordSuspectedAt: instant.optional(),
  }),
  browsers: z.array(
    z.object({
      tokenHash: text,
      since: instant,
      lastSeenAt: instant,
      delay,
      failures: count,
      name: z.object({ browser: text, system: text.optional() }).optional(),
      network: text.optional(),
    }),
  ),
  trustedBrowsers: z
    .array(
      z.object({
        id: text,
        tokenHash: text,
        previous: z.array(z.object({ tokenHash: text, at: instant })).max(MOST_PREVIOUS),
        since: instant,
        until: instant,
        lastUsedAt: instant,
        factor: text.optional(),
        browser: text.optional(),
        epoch: count,
        name: z.object({ browser: text, system: text.optional() }).optional(),
        network: text.optional(),
      }),
    )
    .max(MOST_TRUSTED_BROWSERS * MOST_TRUSTS_IN_A_BROWSER)
    .optional(),
  accepted: z.array(
    z.object({
      interaction: text,
      fingerprint: text,
      factor: text,
      authenticatorId: text,
      assurance: z.object({
        amr: z.array(text),
        kinds: z.array(z.enum(['knowledge', 'possession', 'inherence'])),
        phishingResistant: z.boolean(),
        hardware: z.literal(true).optional(),
      }),
      at: instant,
      epoch: count,
      challenge: text.optional(),
      remaining: count.optional(),
      spentOn: text.optional(),
      isProof: z.literal(true).optional(),
      isPart: z.literal(true).optional(),
    }),
  ),
  proofs: z
    .array(z.object({ purpose: text, secretHash: text, at: instant, epoch: count }))
    .optional(),
  history: z.object({
    firstSignInAt: instant.optional(),
    lastSignInAt: instant.optional(),
    firstEnrolledAt: instant.optional(),
    resetAt: instant.optional(),
    importedAt: instant.optional(),
    mustEnrolSince: instant.optional(),
    restoredAt: instant.optional(),
    ownerProofs: z.array(proof),
    deliveredAt: z.array(instant),
    passwordByMail: z
      .object({ at: instant, mailbox: text, provedAt: instant.optional() })
      .optional(),
    boundOnPasswordAt: instant.optional(),
    recoveredAt: instant.optional(),
    recoveriesCancelledAt: z.array(instant).optional(),
    recoveryFailedAt: z.array(instant).optional(),
    resetsVoidUntil: instant.optional(),
  }),
  accessEnded: z.array(z.object({ clientId: text, times: count.min(1) })).optional(),
  recovery: z
    .object({
      startedAt: instant,
      opensAt: instant,
      endsAt: instant,
      told: z.enum(['half-way', 'opened']).optional(),
      proof: proof.optional(),
    })
    .optional(),
  frozenAt: instant.optional(),
  rulesMet: z.custom(isRulesMet).optional(),
  offers: z.array(z.object({ factor: text, until: instant.optional() })).optional(),
  traces: z
    .array(z.object({ factor: text, text }))
    .max(MOST_TRACES)
    .optional(),
  events: z.array(
    z.object({
      id: text,
      // A general type, or one of a factor. Any type is accepted, so that this node passes on events of factors that it
      // does not have.
      type: z.string().regex(EVENT_TYPE),
      accountId: text,
      at: instant,
      detail: z.object({
        factor: z.string().optional(),
        authenticatorId: z.string().optional(),
        authenticatorName: z.string().optional(),
        replacedId: z.string().optional(),
        replacedName: z.string().optional(),
        reason: z.string().optional(),
        browser: z.enum(['known', 'unknown']).optional(),
        clientId: z.string().optional(),
        ip: z.string().optional(),
        userAgent: z.string().optional(),
        locale: z.string().optional(),
        upstream: z.string().optional(),
        remaining: count.optional(),
        until: instant.optional(),
        since: instant.optional(),
        epoch: count.optional(),
        count: count.optional(),
        requestId: z.string().optional(),
        actor: z.string().optional(),
      }),
    }),
  ),
})

/** The longest name of a rule. */
const LONGEST_NAME = 100

/** A function of its own, because a record of zod drops the name `__proto__`, which a rule may have. */
function isRulesMet(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const entries = Object.entries(value)
  const isTime = (at: unknown): boolean => instant.safeParse(at).success
  return (
    entries.length <= MOST_RULES_MET &&
    entries.every(([name, at]) => name !== '' && [...name].length <= LONGEST_NAME && isTime(at))
  )
}

/** For each older schema, the function that converts a record to the next schema. */
export type Upgrades = Readonly<Record<number, (older: JsonObject) => JsonObject>>

/** None yet: no released version has stored another schema. */
const UPGRADES: Upgrades = {}

/**
 * Reads a stored record. An older one is brought to this schema, step by step; it is stored so with its next change.
 * Fails closed: a record that does not parse, belongs to another account, or was written by a newer version is refused
 * and never read as "no second factor". Throws MfaError `record-unreadable`.
 */
export function parseRecord(
  stored: JsonObject,
  accountId: string,
  upgrades: Upgrades = UPGRADES,
): MfaRecord {
  if (typeof stored.schema === 'number' && stored.schema > RECORD_SCHEMA)
    throw new MfaError(
      'record-unreadable',
      `The MFA record has schema ${stored.schema}, newer than ${RECORD_SCHEMA}: run the version that wrote it`,
    )
  const parsed = format.safeParse(upgrade(stored, upgrades))
  if (!parsed.success) {
    const fields = parsed.error.issues.map((issue) => issue.path.join('.')).join(', ')
    throw new MfaError('record-unreadable', `The MFA record does not parse: ${fields}`)
  }
  // Otherwise a person who copies their own document over another account's would put their own factors there.
  if (parsed.data.accountId !== accountId)
    throw new MfaError('record-unreadable', 'The MFA record belongs to another account')
  // The details of the events are not compared with their types: a newer node may tell more of an event.
  return parsed.data as unknown as MfaRecord
}

/** If a step is missing, the record stays as it is and then does not parse. */
function upgrade(stored: JsonObject, upgrades: Upgrades): JsonObject {
  const { schema } = stored
  const step = typeof schema === 'number' ? upgrades[schema] : undefined
  if (typeof schema !== 'number' || step === undefined) return stored
  return upgrade({ ...step(stored), schema: schema + 1 }, upgrades)
}

/**
 * The form in which a storage keeps a record. An adapter reads only `handles`, which collects the handles of all
 * authenticators: `MfaRecords.findByHandle` finds the account by one of them.
 */
export function formatRecord(record: MfaRecord): JsonObject {
  const handles = record.authenticators.flatMap((authenticator) => authenticator.handles ?? [])
  return {
    ...(record as unknown as JsonObject),
    ...(handles.length === 0 ? {} : { handles: [...new Set(handles)] }),
  }
}
