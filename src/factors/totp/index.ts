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
import { findBehindSeconds, findTimeStep, type Reach, type TimeStep } from './window.ts'

export type { TotpAlgorithm, TotpOptions, TotpParameters } from './parameters.ts'
export type { TotpSetUp } from './set-up.ts'
export type { TimeStep } from './window.ts'

export type TotpState = TotpParameters & {
  /** The last step that was accepted. It and all before it are spent (RFC 6238 5.2). */
  readonly lastTimeStep: TimeStep
}

/** A code of 6 or 8 ASCII digits. */
export interface TotpResponse {
  readonly code: string
}

export interface TotpProof {
  readonly timeStep: TimeStep
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
 * beyond the window (R6). Throws MfaError `options-invalid`.
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
      const { lastTimeStep } = fieldsOf(stored)
      if (!Number.isSafeInteger(lastTimeStep) || (lastTimeStep as number) < 0) throw unreadable()
      return { ...parseParameters(stored), lastTimeStep: lastTimeStep as number }
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
      const lastTimeStep = findTimeStep(codesOf(pending), code, reachOf(pending, now))
      if (lastTimeStep === undefined) return undefined
      return { state: { ...pending, lastTimeStep }, assurance: ASSURANCE }
    },

    describeVerification: ([latest]) => ({ digits: latest?.state.digits ?? settings.digits }),

    parseResponse(form) {
      const code = normaliseTyped(form.code)
      return code !== undefined && /^(?:[0-9]{6}|[0-9]{8})$/.test(code) ? { code } : undefined
    },
    canonical: ({ code }) => code,

    examine: async ({ states, response: { code }, now }) =>
      examineCode(states, code, (state) => reachOf(state, now)),
    /** Refuses steps at or before `lastTimeStep` (RFC 6238 5.2, R5). */
    consume: (state, { timeStep }) =>
      timeStep > state.lastTimeStep ? { ...state, lastTimeStep: timeStep } : undefined,

    /** Every step up to now, and the steps of the window after it, may have been used. */
    afterRestore: (state, now) => ({
      ...state,
      lastTimeStep: Math.max(
        state.lastTimeStep,
        Math.floor(now / state.periodSeconds) + reachOf(state, now).window,
      ),
    }),

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
    return timeStep === undefined ? [] : [{ authenticatorId, state, timeStep }]
  })
  // Two authenticators can show the same six digits by chance: the one whose step is unspent has answered.
  const answered =
    matching.find(({ state, timeStep }) => timeStep > state.lastTimeStep) ?? matching[0]
  if (answered !== undefined) {
    const { authenticatorId, timeStep } = answered
    return { outcome: 'proved', authenticatorId, proof: { timeStep } }
  }
  const [behindSeconds] = fitting.flatMap(({ state }) => {
    const reach = { ...reachOf(state), lastTimeStep: state.lastTimeStep }
    return findBehindSeconds(codesOf(state), code, reach) ?? []
  })
  return behindSeconds === undefined
    ? { outcome: 'refused' }
    : { outcome: 'refused', behindSeconds }
}
