import {
  createNoopMeter,
  metrics,
  type Attributes,
  type Meter,
  type MeterProvider,
} from '@opentelemetry/api'
import { NO_MEASURES, type Measures, type SignInStep } from '../ports/measures.ts'
import { NONE, optionsOf, OTHER, PLUGIN_INSTRUMENTS } from './instruments.ts'
import { SCOPE } from './scope.ts'
import { inSpan } from './spans.ts'
import { REASONS, stepOf } from './steps.ts'

/** The factors that are no factors of `createMfa`: purposes of mailed codes. */
const PURPOSES = ['owner-proof', 'recovery']

/** An application may have traces without metrics. */
const UNMEASURED: Measures = { ...NO_MEASURES, span: inSpan }

export interface MeasuresOptions {
  /** Default: the provider that the application has registered with `@opentelemetry/api`. */
  readonly meterProvider?: MeterProvider | undefined
  /** The ids of the factors, which are the values of a label. Another text becomes `other`. */
  readonly factors: Iterable<string>
}

/**
 * Measures with the instruments of OpenTelemetry. Where no meter provider is registered, nothing is measured and
 * nothing costs time. The meter is taken once, so an SDK has to be registered before.
 */
export function measuresOf({ meterProvider, factors }: MeasuresOptions): Measures {
  const meter = meterOf(meterProvider)
  if (meter === undefined) return UNMEASURED
  const known = new Set([...factors, ...PURPOSES])
  const steps = counter(meter, 'oidc_mfa.sign_in.steps')
  const conflicts = counter(meter, 'oidc_mfa.commit.conflicts')
  const storage = histogram(meter, 'oidc_mfa.storage.duration')
  const hashWait = histogram(meter, 'oidc_mfa.hash.wait')
  const hashQueue = gauge(meter, 'oidc_mfa.hash.queue')
  const count = ({ step, factor, outcome, reason }: SignInStep): void =>
    steps.add(1, { step, factor: oneOf(known, factor), outcome, reason: oneOf(REASONS, reason) })
  return {
    ...UNMEASURED,
    collects: true,
    step: count,
    told(event) {
      const step = stepOf(event)
      if (step !== undefined) count(step)
    },
    conflict: (outcome) => conflicts.add(1, { outcome }),
    stored: (operation, seconds, error) =>
      storage.record(seconds, { operation, error: error ?? NONE }),
    hashWaited: (seconds, outcome) => hashWait.record(seconds, { outcome }),
    watchHashes(read) {
      hashQueue.addCallback((result) => {
        const { running, waiting } = read()
        result.observe(running, { state: 'running' })
        result.observe(waiting, { state: 'waiting' })
      })
    },
  }
}

/** The meter of this package. Undefined: nothing takes its measurements. */
export function meterOf(meterProvider: MeterProvider | undefined): Meter | undefined {
  const meter = (meterProvider ?? metrics).getMeter(SCOPE)
  return meter === createNoopMeter() ? undefined : meter
}

/** A label never has a text that the code does not know: each new value would be a new series. */
function oneOf(known: ReadonlySet<string>, value: string | undefined): string {
  if (value === undefined) return NONE
  return known.has(value) ? value : OTHER
}

type Name<Kind> = {
  [N in keyof typeof PLUGIN_INSTRUMENTS]: (typeof PLUGIN_INSTRUMENTS)[N]['kind'] extends Kind
    ? N
    : never
}[keyof typeof PLUGIN_INSTRUMENTS]

/** The attributes of a series: every label of the table, and no other. */
type Labels<N extends keyof typeof PLUGIN_INSTRUMENTS> = Readonly<
  Record<(typeof PLUGIN_INSTRUMENTS)[N]['labels'][number], string>
> &
  Attributes

function counter<N extends Name<'counter'>>(meter: Meter, name: N) {
  return meter.createCounter<Labels<N>>(name, optionsOf(PLUGIN_INSTRUMENTS[name]))
}

function histogram<N extends Name<'histogram'>>(meter: Meter, name: N) {
  return meter.createHistogram<Labels<N>>(name, optionsOf(PLUGIN_INSTRUMENTS[name]))
}

function gauge<N extends Name<'gauge'>>(meter: Meter, name: N) {
  return meter.createObservableGauge<Labels<N>>(name, optionsOf(PLUGIN_INSTRUMENTS[name]))
}
