import type { MetricOptions } from '@opentelemetry/api'

export interface Instrument {
  readonly kind: 'counter' | 'histogram' | 'gauge'
  /** UCUM, as OpenTelemetry asks: `s`, `By`, or a word in braces for a number of things. */
  readonly unit: string
  readonly description: string
  readonly labels: readonly string[]
  /** The limits of the buckets of a histogram, in its unit. */
  readonly boundaries?: readonly number[]
}

/** From a read of memory to the 5 s after which a storage counts as unavailable. */
const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

/** The instruments of the plugin and of its storage. `docs/reference/metrics.md` has the same table. */
export const PLUGIN_INSTRUMENTS = {
  'oidc_mfa.sign_in.steps': {
    kind: 'counter',
    unit: '{step}',
    description: 'Outcomes of the steps of sign-ins',
    labels: ['step', 'factor', 'outcome', 'reason'],
  },
  'oidc_mfa.commit.conflicts': {
    kind: 'counter',
    unit: '{save}',
    description: 'Saves of an account that another save has overtaken',
    labels: ['outcome'],
  },
  'oidc_mfa.storage.duration': {
    kind: 'histogram',
    unit: 's',
    description: 'Duration of the calls of the storage',
    labels: ['operation', 'error'],
    boundaries: SECONDS,
  },
  'oidc_mfa.hash.wait': {
    kind: 'histogram',
    unit: 's',
    description: 'Time for which a slow hash has waited for its place in the queue',
    labels: ['outcome'],
    boundaries: SECONDS,
  },
  'oidc_mfa.hash.queue': {
    kind: 'gauge',
    unit: '{hash}',
    description: 'Slow hashes in the queue',
    labels: ['state'],
  },
} as const satisfies Readonly<Record<string, Instrument>>

/** The values of labels that are not the id of a factor, an operation or the code of an error. */
export const NONE = 'none'
export const OTHER = 'other'

export function optionsOf({ unit, description, boundaries }: Instrument): MetricOptions {
  return {
    unit,
    description,
    ...(boundaries === undefined ? {} : { advice: { explicitBucketBoundaries: [...boundaries] } }),
  }
}

const SUFFIXES: Readonly<Record<string, string>> = { s: '_seconds', By: '_bytes' }

/** The name of a metric in Prometheus: the unit is part of it, and a counter ends in `_total`. */
export function prometheusName(name: string, { kind, unit }: Instrument): string {
  const base = `${name.replaceAll('.', '_')}${SUFFIXES[unit] ?? ''}`
  return kind === 'counter' ? `${base}_total` : base
}
