import { ScureBase32Plugin } from 'otplib'
import type { Assurance } from '../../domain/assurance.ts'
import type { Examined, ExamineInput, Factor } from '../factor.ts'
import { normaliseTyped } from '../normalise.ts'
import { codesOf } from './code.ts'
import {
  fieldsOf,
  keyOf,
  parseParameters,
  readTotpOptions,
  unreadable,
  widestWindow,
  type TotpOptions,
  type TotpParameters,
} from './parameters.ts'
import { describeSetUp, type TotpSetUp } from './set-up.ts'
import {
  firstSpent,
  isSetBack,
  isTimeStep,
  isUnspent,
  parseSpent,
  spend,
  type Spent,
} from './spent.ts'
import { findBehindSeconds, findTimeStep, latestIn, type Reach, type TimeStep } from './window.ts'

export type { TotpAlgorithm, TotpOptions, TotpParameters } from './parameters.ts'
export type { TotpSetUp } from './set-up.ts'
export type { TimeStep } from './window.ts'

export type TotpState = TotpParameters & Spent

/** A code of 6 or 8 ASCII digits. */
export interface TotpResponse {
  readonly code: string
}

export interface TotpProof {
  readonly timeStep: TimeStep
  /** The clock was set back: the steps before the last accepted one count one by one. */
  readonly setBack?: true
}

/** The values that its pages show beside the form. */
export interface TotpDescriptions {
  readonly enrolment: TotpSetUp
  /** The length of the code that is asked for. */
  readonly verification: { readonly digits: number }
}

export type Totp = Factor<
  TotpState,
  TotpParameters,
  null,
  TotpResponse,
  TotpProof,
  TotpDescriptions
>

/** R7, RFC 4226 4: 160 bits, for every algorithm. */
const SECRET_BYTES = 20

const ASSURANCE: Assurance = { amr: ['otp'], kinds: ['possession'], phishingResistant: false }

/**
 * Time-based one-time passwords (RFC 6238) from an authenticator app.
 *
 * Refuses steps outside the window, steps at or before the last accepted one, and computes none in the future
 * beyond the window (R6). If the clock was set back behind the last accepted step, it refuses the steps that were
 * accepted, and no others. Throws MfaError `options-invalid`.
 */
export function totp(options: TotpOptions = {}): Totp {
  const settings = readTotpOptions(options)

  /** An authenticator of another period keeps within R6 too. */
  const reachOf = ({ periodSeconds }: TotpParameters, now: number): Reach => ({
    now,
    periodSeconds,
    window: Math.min(settings.window, widestWindow(periodSeconds)),
  })

  return {
    id: 'totp',
    pages: { views: new URL('../../../views/factors/totp/', import.meta.url) },
    enrolment: 'confirmed',
    guessable: true,

    parseState(stored) {
      const { lastTimeStep, spent } = fieldsOf(stored)
      if (!isTimeStep(lastTimeStep)) throw unreadable()
      const parsed = { ...parseParameters(stored), lastTimeStep }
      if (spent === undefined) return parsed
      const known = parseSpent(spent)
      if (known === undefined) throw unreadable()
      return { ...parsed, spent: known }
    },
    parsePending: parseParameters,
    keyOf,
    parseChallenge(stored) {
      if (stored !== null) throw unreadable()
      return stored
    },

    beginEnrolment: ({ random }) => ({
      value: {
        secret: new ScureBase32Plugin().encode(random.bytes(SECRET_BYTES)),
        algorithm: settings.algorithm,
        digits: settings.digits,
        periodSeconds: settings.periodSeconds,
      },
    }),
    describeEnrolment: describeSetUp,
    /** The confirming step is spent, so an attacker who has watched the person type the code cannot sign in with it. */
    async confirmEnrolment(pending, { code }, now) {
      if (code.length !== pending.digits) return undefined
      const timeStep = findTimeStep(codesOf(pending), code, reachOf(pending, now))
      if (timeStep === undefined) return undefined
      return { state: { ...pending, ...firstSpent(timeStep) }, assurance: ASSURANCE }
    },

    describeVerification: ([latest]) => ({ digits: latest?.state.digits ?? settings.digits }),

    parseResponse(form) {
      const code = normaliseTyped(form.code)
      return code !== undefined && /^(?:[0-9]{6}|[0-9]{8})$/.test(code) ? { code } : undefined
    },
    canonical: ({ code }) => code,

    examine: async ({ states, response: { code }, now }) =>
      examineCode(states, code, (state) => reachOf(state, now)),
    /** Refuses steps that are spent (RFC 6238 5.2, R5). */
    consume: (state, { timeStep, setBack = false }) =>
      isUnspent(state, timeStep, setBack) ? { ...state, ...spend(state, timeStep) } : undefined,

    /** Every step up to now, and the steps of the window after it, may have been used. */
    afterRestore({ spent: _, ...state }, now) {
      const lastTimeStep = Math.max(state.lastTimeStep, latestIn(reachOf(state, now)))
      return { ...state, lastTimeStep }
    },

    assurance: () => ASSURANCE,
  }
}

function examineCode(
  states: ExamineInput<TotpState, null, TotpResponse>['states'],
  code: string,
  reachOf: (state: TotpState) => Reach,
): Examined<TotpProof> {
  const fitting = states.filter(({ state }) => state.digits === code.length)
  const matching = fitting.flatMap(({ authenticatorId, state }) => {
    const timeStep = findTimeStep(codesOf(state), code, reachOf(state))
    if (timeStep === undefined) return []
    const setBack = isSetBack(state, latestIn(reachOf(state)))
    return [{ authenticatorId, state, timeStep, setBack }]
  })
  // Two authenticators can show the same six digits by chance: the one whose step is unspent has answered.
  const answered =
    matching.find(({ state, timeStep, setBack }) => isUnspent(state, timeStep, setBack)) ??
    matching[0]
  if (answered !== undefined) {
    const { authenticatorId, timeStep, setBack } = answered
    const proof = { timeStep, ...(setBack ? { setBack } : {}) } as const
    return { outcome: 'proved', authenticatorId, proof }
  }
  const [behindSeconds] = fitting.flatMap(({ state }) => {
    const reach = { ...reachOf(state), lastTimeStep: state.lastTimeStep }
    return findBehindSeconds(codesOf(state), code, reach) ?? []
  })
  return behindSeconds === undefined
    ? { outcome: 'refused' }
    : { outcome: 'refused', behindSeconds }
}
