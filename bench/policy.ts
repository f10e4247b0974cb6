/** Measures one decision of the policy with many rules: see README.md in this folder. `node bench/policy.ts` */
import { pathToFileURL } from 'node:url'
import { decide, type PolicyInput } from '../src/domain/policy/decide.ts'
import { ownChoice } from '../src/domain/policy/judge.ts'
import { DEFAULT_LEVELS } from '../src/domain/policy/levels.ts'
import type { Rule } from '../src/domain/policy/rules.ts'
import { median } from './median.ts'

const RULES = 200
const DECISIONS = 2_000
const ROUNDS = 11
const AIM_MS = 0.1

/** Rules for clients, groups, scopes and known browsers. One in ten matches. */
function rules(): readonly Rule[] {
  return Array.from({ length: RULES }, (_, number) => ({
    name: `rule ${number}`,
    when:
      number % 10 === 0
        ? { group: ['staff', '!guests'], newBrowser: false }
        : { client: [`client-${number}`, `other-${number}`], scope: ['payments'] },
    require: 'multi-factor',
    maxAgeSeconds: 3_600 + number,
    ...(number % 20 === 0 ? { factors: ['totp', 'passkey'] } : {}),
    trustedBrowserSeconds: 86_400,
  }))
}

const possession = { kinds: ['possession'], phishingResistant: false } as const
const now = 1_800_000_000
const input: PolicyInput = {
  levels: DEFAULT_LEVELS,
  rules: [ownChoice(DEFAULT_LEVELS), ...rules()],
  trustedBrowserSeconds: 86_400,
  enrollable: [{ id: 'totp', ...possession }],
  request: {
    client: 'app',
    groups: ['users', 'staff'],
    scopes: ['openid', 'email'],
    acrs: [],
    isNewBrowser: false,
    isFirstParty: false,
    fresh: false,
  },
  person: {
    authenticators: [{ factor: 'totp', ...possession, isBackup: false, device: 'phone' }],
    metAt: {},
    mayPostpone: true,
    postponed: false,
  },
  proofs: [
    { amr: ['pwd'], kinds: ['knowledge'], phishingResistant: false, time: now - 600 },
    { amr: ['otp'], ...possession, factor: 'totp', time: now - 590 },
  ],
  now,
}

/** Prints the time of one decision. */
export function measurePolicy(): void {
  const rounds = Array.from({ length: ROUNDS }, () => {
    const start = performance.now()
    for (let count = 0; count < DECISIONS; count += 1) decide(input)
    return (performance.now() - start) / DECISIONS
  })
  const figure = median(rounds.slice(1))
  console.log(
    `one decision of the policy with ${RULES} rules: ${figure.toFixed(4)} ms (aim ${AIM_MS} ms)`,
  )
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) measurePolicy()
