import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { MeterProvider as Meters } from '@opentelemetry/api'
import type { PrometheusExporter } from '@opentelemetry/exporter-prometheus'
import type { ViewOptions } from '@opentelemetry/sdk-metrics'
import { listenOn, urlOf } from '../listen.ts'
import { prometheusName } from '../../observe/instruments.ts'
import { INSTRUMENTS } from './instruments.ts'

/** A scraper that sends its request slower holds the connection on purpose. */
const REQUEST_MILLISECONDS = 10_000

const METRICS_PATH = '/metrics'

export interface MetricsAddress {
  readonly host: string
  readonly port: number
}

/** The measurements of the server, as text for Prometheus at an address of their own. */
export interface MetricsEndpoint {
  readonly meterProvider: Meters
  readonly url: string
  close(): Promise<void>
}

/**
 * Listens at METRICS_HOST and METRICS_PORT. Nothing else is answered there, and the address of the service answers no
 * metrics: they tell a stranger how its guesses fare. Throws ConfigError.
 */
export async function openMetrics(address: MetricsAddress): Promise<MetricsEndpoint> {
  // Loaded here, because a server without METRICS_PORT needs none of it.
  const [{ PrometheusExporter }, { MeterProvider }] = await Promise.all([
    import('@opentelemetry/exporter-prometheus'),
    import('@opentelemetry/sdk-metrics'),
  ])
  const exporter = new PrometheusExporter({ preventServerStart: true })
  const meterProvider = new MeterProvider({ readers: [exporter], views: namesOfPrometheus() })
  const server = createServer({ requestTimeout: REQUEST_MILLISECONDS }, (request, response) =>
    answer(exporter, request, response),
  )
  await listenOn(server, {
    ...address,
    settings: { host: 'METRICS_HOST', port: 'METRICS_PORT' },
  })
  const { port } = server.address() as AddressInfo
  return {
    meterProvider,
    url: urlOf(address.host, port) + METRICS_PATH,
    async close() {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve())
      })
      server.closeAllConnections()
      await closed
      await meterProvider.shutdown()
    },
  }
}

/** Prometheus has the unit in the name. A collector of OpenTelemetry adds it; the exporter does not. */
function namesOfPrometheus(): ViewOptions[] {
  return Object.entries(INSTRUMENTS).map(([name, instrument]) => ({
    instrumentName: name,
    name: prometheusName(name, instrument),
  }))
}

function answer(
  exporter: PrometheusExporter,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  if (request.method === 'GET' && request.url?.split('?')[0] === METRICS_PATH)
    exporter.getMetricsRequestHandler(request, response)
  else response.writeHead(404).end()
}
