import { readFileSync } from 'node:fs'
import { BlockList, isIPv6 } from 'node:net'
import { ownChoice } from '../../../src/domain/policy/judge.ts'
import type {
  AcrRequest,
  Authenticator,
  Decision,
  PolicyInput,
  Step,
  Trust,
} from '../../../src/domain/policy/decide.ts'
import { DEFAULT_LEVELS, type Strength } from '../../../src/domain/policy/levels.ts'
import type { Proof } from '../../../src/domain/policy/proofs.ts'
import type { Conditions, Rule } from '../../../src/domain/policy/rules.ts'
import type { Instant } from '../../../src/domain/time.ts'

/**
 * The policy as one table: `cases.jsonl` beside this file, one case a line. This module reads it. `decide.test.ts`
 * decides each case by the pure function. A case with `http: true` can be caused by a client of a running server too.
 *
 * All times are in seconds. A time with a sign is relative to the moment of the decision: `-60` is a minute ago.
 */
export interface Case {
  /** A sentence about the behaviour. No two cases have the same. */
  readonly name: string
  /** Whether a client can cause it over HTTP, with an authenticator app and backup codes alone. */
  readonly http?: true
  /** The authenticators of the person, by the names in `AUTHENTICATORS`: `totp codes`. Default: none. */
  readonly person?: string
  readonly groups?: readonly string[]
  /**
   * The proofs in the session, `pwd@-3600 otp@-10`: the word of `PROOFS` and the time. `@now`: it was given for this
   * very request, so that without another proof there was no session before.
   */
  readonly proofs: string
  /** Default: `app`. */
  readonly client?: string
  /** Default: `openid`. */
  readonly scopes?: string
  /** `acr_values`, with levels by their names and any other value as it is. */
  readonly acr?: string
  /** The values of an essential `claims.id_token.acr`, in the same form. Empty: it names none. */
  readonly essential?: string
  /** `claims.id_token.acr.max_age`. */
  readonly acrMaxAge?: number
  /** `max_age`. */
  readonly maxAge?: number
  readonly prompt?: 'login' | 'mfa'
  /** The code of a device is confirmed: no proof of the session counts. */
  readonly device?: true
  /** The address of the browser. `unknown`: there is none. Default: 198.51.100.7. */
  readonly address?: string
  /** Whether no sign-in of the account was completed in this browser before. Default: false. */
  readonly newBrowser?: boolean
  readonly firstParty?: true
  /** When the person chose to trust the browser. */
  readonly trustedAt?: number
  /** The factor that earned the trust; `unknown`: an earlier release did not keep it. Default: `totp`. */
  readonly trustedBy?: string
  /** `policy.trustedBrowserSeconds`. Default: 0. */
  readonly trust?: number
  /** The rules by their names in `RULES`, or in full. They have the form of the configuration. Default: none. */
  readonly rules?: readonly (string | CaseRule)[]
  /** When rules with a grace first met the account. */
  readonly metAt?: Readonly<Record<string, number>>
  /** Whether an enrolment can be put off in this browser. Default: true. */
  readonly mayPostpone?: false
  /** Whether it was put off in this session already. */
  readonly postponed?: true
  /** The factors that people can set up here. Default: `totp`. */
  readonly offers?: string

  readonly step: Step
  readonly reason: Decision['reason']
  /** The name of the level. */
  readonly says: string
  /** The part of the rule for a person's own choice, and of each rule of the case. */
  readonly parts: string
  readonly factors?: readonly string[]
  /** Only an authenticator in hardware helps. */
  readonly hardware?: true
  readonly limit?: number
  readonly until?: number
  /** The time that is offered for trusting the browser. Default: 0. */
  readonly offered?: number
}

export type CaseRule = Omit<Rule, 'when' | 'enrol'> & {
  readonly when?: Conditions
  /** `until` is relative to the decision. */
  readonly enrol?: 'required' | 'optional' | { until: number } | { graceSeconds: number }
}

const DAY = 86_400

/** The rules that cases name. */
export const RULES: Readonly<Record<string, Omit<CaseRule, 'name'>>> = {
  mfa: { require: 'multi-factor' },
  'mfa-5min': { require: 'multi-factor', maxAgeSeconds: 300 },
  'mfa-1h': { require: 'multi-factor', maxAgeSeconds: 3600 },
  'mfa-optional': { require: 'multi-factor', enrol: 'optional' },
  'mfa-grace': { require: 'multi-factor', enrol: { graceSeconds: DAY } },
  'mfa-from-tomorrow': { require: 'multi-factor', enrol: { until: DAY } },
  'mfa-since-yesterday': { require: 'multi-factor', enrol: { until: -DAY } },
  phr: { require: 'phishing-resistant' },
  phrh: { require: 'phishing-resistant-hardware' },
  'phrh-optional': { require: 'phishing-resistant-hardware', enrol: 'optional' },
  'phrh-grace': { require: 'phishing-resistant-hardware', enrol: { graceSeconds: DAY } },
  'phr-optional': { require: 'phishing-resistant', enrol: 'optional' },
  'phr-grace': { require: 'phishing-resistant', enrol: { graceSeconds: DAY } },
  'pwd-10min': { maxAgeSeconds: 600 },
  'app-only': { factors: ['totp'] },
  'app-or-codes': { factors: ['totp', 'backup-codes'] },
  'codes-only': { factors: ['backup-codes'] },
  'keys-only': { factors: ['passkey'] },
  'two-devices': { redundancy: true },
  'two-devices-optional': { redundancy: true, enrol: 'optional' },
  'two-devices-grace': { redundancy: true, enrol: { graceSeconds: DAY } },
  'never-trust': { trustedBrowserSeconds: 'never' },
  'trust-1h': { trustedBrowserSeconds: 3600 },
  bank: { when: { client: ['bank'] }, require: 'multi-factor' },
  'not-wiki': { when: { client: ['!wiki'] }, require: 'multi-factor' },
  staff: { when: { group: ['staff', 'admins'] }, require: 'multi-factor' },
  'no-guests': { when: { group: ['!guests'] }, require: 'multi-factor' },
  payments: { when: { scope: ['payments'] }, require: 'multi-factor' },
  office: { when: { network: ['10.0.0.0/8', '2001:db8::/32'] }, require: 'multi-factor' },
  outside: { when: { network: ['!10.0.0.0/8', '!2001:db8::/32'] }, require: 'multi-factor' },
  'new-browser': { when: { newBrowser: true }, require: 'multi-factor' },
  'known-browser': { when: { newBrowser: false }, require: 'multi-factor' },
  'third-party': { when: { firstParty: false }, require: 'multi-factor' },
  'first-party': { when: { firstParty: true }, require: 'multi-factor' },
  'when-asked': {
    when: { acr: ['http://schemas.openid.net/pape/policies/2007/06/multi-factor'] },
    maxAgeSeconds: 60,
  },
  nothing: {},
  password: { require: 'password' },
  'level-of-nobody': { require: 'urn:of:nobody' },
}

/** The moment of each decision. */
export const NOW: Instant = 1_800_000_000
/** The request of a case began some seconds before the decision, and proofs `@now` were given since. */
const BEGUN_SECONDS = 20
const NOW_SECONDS = 5

const POSSESSION: Strength = { kinds: ['possession'], phishingResistant: false }
const PASSKEY: Strength = { kinds: ['possession', 'knowledge'], phishingResistant: true }
/** A passkey whose maker vouches for its hardware. */
const IN_HARDWARE: Strength = { ...PASSKEY, hardware: true }
/** A security key that does not verify its user. */
const KEY: Strength = { kinds: ['possession'], phishingResistant: true }

/**
 * The authenticators of people. `totp` and `totp-copy` have one key; each passkey is on a device of its own. The settings
 * refuse every response of `barred` and `barred-app`. `token` shows codes, and its key is in hardware. `withdrawn` counted
 * as in hardware until the certification of its model ended.
 */
export const AUTHENTICATORS: Readonly<Record<string, Authenticator>> = {
  totp: { factor: 'totp', ...POSSESSION, isBackup: false, device: 'phone' },
  'totp-copy': { factor: 'totp', ...POSSESSION, isBackup: false, device: 'phone' },
  'totp-tablet': { factor: 'totp', ...POSSESSION, isBackup: false, device: 'tablet' },
  codes: { factor: 'backup-codes', ...POSSESSION, isBackup: true, device: 'paper' },
  passkey: { factor: 'passkey', ...PASSKEY, isBackup: false, device: 'laptop' },
  hardware: { factor: 'passkey', ...IN_HARDWARE, isBackup: false, device: 'token' },
  withdrawn: {
    factor: 'passkey',
    ...PASSKEY,
    isBackup: false,
    device: 'former token',
    judgedAs: IN_HARDWARE,
  },
  barred: { factor: 'passkey', ...PASSKEY, isBackup: false, device: 'old', isUnusable: true },
  'barred-app': { factor: 'totp', ...POSSESSION, isBackup: false, device: 'app', isUnusable: true },
  token: { factor: 'token', ...POSSESSION, hardware: true, isBackup: false, device: 'display' },
  key: { factor: 'key', ...KEY, isBackup: false, device: 'key ring' },
}

/** `certified` is the factor `passkey` where it can tell hardware. */
const OFFERS: Readonly<Record<string, Strength & { readonly id?: string }>> = {
  totp: POSSESSION,
  passkey: PASSKEY,
  certified: { ...IN_HARDWARE, id: 'passkey' },
  key: KEY,
}

/**
 * The proofs of people. `sso` and `sso-mfa` are first factors of another provider, the latter of two kinds. `sso-before` is
 * one that was handed over for this request after a sign-in there at its time.
 */
export const PROOFS: Readonly<Record<string, Omit<Proof, 'time'>>> = {
  pwd: { amr: ['pwd'], kinds: ['knowledge'], phishingResistant: false },
  sso: { amr: ['fed'], kinds: ['possession'], phishingResistant: false },
  'sso-mfa': { amr: ['pwd', 'sms'], kinds: ['knowledge', 'possession'], phishingResistant: false },
  'sso-before': {
    amr: ['pwd', 'sms'],
    kinds: ['knowledge', 'possession'],
    phishingResistant: false,
    upstream: { issuer: 'https://idp.example', isEarlier: true },
  },
  'sso-none': { amr: ['fed'], kinds: [], phishingResistant: false },
  otp: { amr: ['otp'], ...POSSESSION, factor: 'totp' },
  code: { amr: ['backup_code'], ...POSSESSION, factor: 'backup-codes' },
  passkey: { amr: ['swk', 'user'], ...PASSKEY, factor: 'passkey' },
  hardware: { amr: ['hwk', 'user'], ...IN_HARDWARE, factor: 'passkey' },
  key: { amr: ['hwk'], ...KEY, factor: 'key' },
  token: { amr: ['otp'], ...POSSESSION, hardware: true, factor: 'token' },
}

const LEVELS: Readonly<Record<string, string>> = Object.fromEntries(
  DEFAULT_LEVELS.map(({ name, acr }) => [name, acr]),
)

/** The `acr` of a level that a case names; another value as it is. */
export function acrOf(level: string): string {
  return LEVELS[level] ?? level
}

export function readCases(): readonly Case[] {
  const text = readFileSync(new URL('cases.jsonl', import.meta.url), 'utf8')
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line) as Case)
}

/** The rules of a case in the form of the configuration; a time `until` is relative to the decision. */
export function caseRules({ rules = [] }: Case): readonly CaseRule[] {
  return rules.map((rule) => (typeof rule === 'string' ? named(rule) : rule))
}

function named(name: string): CaseRule {
  const rule = RULES[name]
  if (rule === undefined) throw new Error(`No rule is called ${name}`)
  return { name, ...rule }
}

function trustOf(since: Instant, { trustedBy = 'totp' }: Case): Trust {
  return { since, ...(trustedBy === 'unknown' ? {} : { factor: trustedBy }) }
}

/** The input of the policy for a case. */
export function inputOf(one: Case): PolicyInput {
  const { address = '198.51.100.7', trustedAt } = one
  const acr = acrRequestOf(one)
  const proofs = words(one.proofs).map(proofOf)
  const handedOver = proofs.filter(({ upstream }) => upstream !== undefined)
  const begunAt = Math.min(NOW - BEGUN_SECONDS, ...handedOver.map(({ time }) => time))
  const isShownNow = proofs.some(({ factor, time }) => factor !== undefined && time >= begunAt)
  const since = provedSince(one, begunAt)
  return {
    levels: DEFAULT_LEVELS,
    rules: [ownChoice(DEFAULT_LEVELS), ...caseRules(one).map(parsed)],
    trustedBrowserSeconds: one.trust ?? 0,
    enrollable: words(one.offers ?? 'totp').map((id) => ({ id, ...known(OFFERS, id) })),
    request: {
      client: one.client ?? 'app',
      groups: one.groups ?? [],
      scopes: words(one.scopes ?? 'openid'),
      acrs: words(`${one.acr ?? ''} ${one.essential ?? ''}`).map(acrOf),
      ...(address === 'unknown' ? {} : { isWithin: (network) => isWithin(address, network) }),
      isNewBrowser: one.newBrowser === true,
      isFirstParty: one.firstParty === true,
      ...(acr === undefined ? {} : { acr }),
      fresh: one.prompt === 'mfa' && !isShownNow,
      ...(since === undefined ? {} : { provedSince: since }),
      begunAt,
    },
    person: {
      authenticators: words(one.person ?? '').map((name) => known(AUTHENTICATORS, name)),
      metAt: Object.fromEntries(
        Object.entries(one.metAt ?? {}).map(([name, time]) => [name, NOW + time]),
      ),
      ...(trustedAt === undefined ? {} : { trusts: [trustOf(NOW + trustedAt, one)] }),
      mayPostpone: one.mayPostpone !== false,
      postponed: one.postponed === true,
    },
    proofs,
    now: NOW,
  }
}

function provedSince({ prompt, device, maxAge }: Case, begunAt: Instant): Instant | undefined {
  if (prompt === 'login' || device === true) return begunAt
  return maxAge === undefined ? undefined : Math.min(begunAt, NOW - maxAge)
}

function acrRequestOf({ acr, essential, acrMaxAge }: Case): AcrRequest | undefined {
  const age = acrMaxAge === undefined ? {} : { maxAgeSeconds: acrMaxAge }
  if (essential !== undefined)
    return { essential: true, values: words(essential).map(acrOf), ...age }
  if (acr === undefined && acrMaxAge === undefined) return undefined
  return { essential: false, values: words(acr ?? '').map(acrOf), ...age }
}

function proofOf(text: string): Proof {
  const [word = '', time] = text.split('@')
  return { ...known(PROOFS, word), time: NOW + (time === 'now' ? -NOW_SECONDS : Number(time)) }
}

function parsed({ when = {}, enrol, ...rule }: CaseRule): Rule {
  if (enrol === undefined) return { ...rule, when }
  const isUntil = typeof enrol === 'object' && 'until' in enrol
  return { ...rule, when, enrol: isUntil ? { until: NOW + enrol.until } : enrol }
}

/** Whether an address is in a network in CIDR notation. */
function isWithin(address: string, network: string): boolean {
  const [base = '', bits] = network.split('/')
  const list = new BlockList()
  const family = (one: string) => (isIPv6(one) ? 'ipv6' : 'ipv4')
  list.addSubnet(base, Number(bits), family(base))
  return list.check(address, family(address))
}

function words(text: string): readonly string[] {
  return text.split(' ').filter(Boolean)
}

function known<T>(all: Readonly<Record<string, T>>, name: string): T {
  const one = all[name]
  if (one === undefined) throw new Error(`No building block is called ${name}`)
  return one
}
