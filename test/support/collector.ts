import type { MeterProvider as Meters } from '@opentelemetry/api'
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'

export interface Point {
  readonly labels: Readonly<Record<string, unknown>>
  /** Of a histogram: the number of values. */
  readonly value: number
}

/** An SDK of OpenTelemetry as an application has it, which keeps what it collects for a test. */
export function collector(): {
  readonly meterProvider: Meters
  points(name: string): Promise<readonly Point[]>
} {
  const reader = new TestReader()
  return {
    meterProvider: new MeterProvider({ readers: [reader] }),
    async points(name) {
      const { resourceMetrics } = await reader.collect()
      return resourceMetrics.scopeMetrics
        .flatMap(({ metrics }) => metrics)
        .filter(({ descriptor }) => descriptor.name === name)
        .flatMap(({ dataPoints }) =>
          dataPoints.map(({ attributes, value }) => ({
            labels: { ...attributes },
            value: typeof value === 'number' ? value : value.count,
          })),
        )
    },
  }
}

class TestReader extends MetricReader {
  protected override async onShutdown(): Promise<void> {}
  protected override async onForceFlush(): Promise<void> {}
}
