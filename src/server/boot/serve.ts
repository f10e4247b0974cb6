import { readFile } from 'node:fs/promises'
import type { RequestListener } from 'node:http'
import { ConfigError, localIssuer, type Config } from '../../../config/environment.ts'
import { DEMONSTRATION_FOLDER } from '../../../config/load.ts'
import type { SmtpMailer } from '../../adapters/mail/index.ts'
import type { Settings } from '../../ports/settings.ts'
import { openLog, type Logger } from '../observe/log.ts'
import { openMetrics, type MetricsEndpoint } from '../observe/metrics.ts'
import { urlOf } from '../listen.ts'
import { answerNotReady, LIVENESS_PATH, READINESS_PATH, type NotReady } from '../pages/health.ts'
import { mailHealth } from '../notices/mail-health.ts'
import { joinDeployment } from '../upkeep/membership.ts'
import { policyReload } from '../upkeep/policy-reload.ts'
import { renewedApp, type RenewedApp } from '../upkeep/renewal.ts'
import { schemaWatch, type SchemaWatch } from '../upkeep/schema-watch.ts'
import { HOW_TO_FINISH, unfinishedRestore } from '../upkeep/restore.ts'
import { announce } from './announce.ts'
import { createApp, type AppServices } from './app.ts'
import { demonstrate } from './demonstration.ts'
import { layFoundation, mailerOf, type Foundation, type OpenOptions } from './foundation.ts'
import { openListener, type Listener } from './listener.ts'
import { checkPolicy } from './policy.ts'
import { folderOfDatabase, postOf } from './post.ts'
import { reloadOnHangup } from './reload.ts'
import { listenForStop, type Starter } from './signals.ts'
import { undo, type Started } from './started.ts'
import { stopOf } from './stop.ts'
import { startSending, startUpkeep } from './upkeep.ts'

export interface ServeOptions extends OpenOptions {
  /** Prints a line to the person at the terminal. The log is separate. */
  readonly print: (line: string) => void
  readonly log?: Logger
  /** The folder in which the demonstration keeps its secrets. Default: `data/`. */
  readonly folder?: string
  /** The interval at which a node looks for changed keys and for a restore. Default: one minute. */
  readonly renewalMilliseconds?: number
  /** The time between two heartbeats of this node. Default: 15 s. */
  readonly heartbeatMilliseconds?: number
  /** Reads CONFIG_FILE again. Default: from the disk. */
  readonly readFile?: (path: string) => Promise<string>
  /** Whether SIGTERM and SIGINT stop the server and end the process, and SIGHUP reads the policy again. Default: yes. */
  readonly signals?: boolean
  /** The process that started this one, if it has to be watched: its end stops the server as SIGTERM does. */
  readonly starter?: Starter | undefined
}

export interface Running {
  readonly issuer: string
  readonly url: string
  readonly port: number
  readonly demonstrationUrl?: string
  /** Absent: METRICS_PORT is not set. */
  readonly metricsUrl?: string
  /**
   * Serves for `stop.drainSeconds` more while `ready` answers 503, finishes the requests in hand, and closes the storage.
   */
  stop(): Promise<void>
}

/** Starts the server and, outside production and unless DEMO is off, the demonstration. */
export async function serve(config: Config, options: ServeOptions): Promise<Running> {
  const log = options.log ?? openLog(config.logLevel, config.nodeName)
  const requests = options.signals === false ? undefined : listenForStop(log, options.starter)
  const started: Started = []
  try {
    const listener = await openListener(config)
    const stop = stopOf({ listener, started, settings: config.settings.stop, log })
    started.push(() => listener.close(0))
    const running = await startOn(listener, { config, options, started, log, stop })
    requests?.answerWith(stop)
    return running
  } catch (error) {
    requests?.forget()
    await undo(started).catch((fault: unknown) =>
      log.warn({ error: fault }, 'the start was not undone cleanly'),
    )
    throw error
  }
}

interface Start {
  readonly config: Config
  readonly options: ServeOptions
  /** Each step that has to be undone is added. */
  readonly started: Started
  readonly log: Logger
  readonly stop: () => Promise<void>
}

async function startOn(listener: Listener, start: Start): Promise<Running> {
  const { config, options, started, log, stop } = start
  const { folder, renewalMilliseconds, heartbeatMilliseconds, print } = options
  const issuer = config.issuer ?? localIssuer(listener.port)
  checkPolicy(config.settings, issuer)
  const metrics = await metricsOf(config, started)
  const withMeter = { ...options, meterProvider: metrics?.meterProvider }
  const { foundation, mailer } = await open(config, listener.port, withMeter, started)
  const schema = schemaWatch(foundation.storage, log)
  await schema.look()
  const policy = policyReload({
    config: { ...config, issuer },
    readFile: options.readFile ?? ((path) => readFile(path, 'utf8')),
    onChange: () => membership.beat(),
    log,
  })
  const membership = await joinDeployment(foundation, {
    log,
    heartbeatMilliseconds,
    settings: () => policy.settings,
  })
  started.push(() => membership.leave())
  // Without a file a SIGHUP of a terminal that closes ends the process, as it does by default.
  if (options.signals !== false && (config.settingsFile !== undefined || config.production))
    started.push(reloadOnHangup(policy, log))
  started.push(foundation.serverMeasures.watch(() => foundation.storage.outbox.waiting()))
  const place = postOf(foundation, mailer, outboxParent(config, options))
  const mail = mailHealth(foundation.storage.outbox)
  const demonstration = await demonstrate(foundation, folder, started)
  const services: AppServices = {
    log,
    isStopping: () => listener.isStopping,
    checkSchema: () => schema.look(),
    isMailFailing: mail.isFailing,
    differs: () => membership.differs,
    policy,
    post: place.post,
    ...(mailer === undefined ? {} : { mailer }),
    ...demonstration?.services,
  }
  const served = await renewedApp(foundation, () => createApp(foundation, services), log)
  const rounds = startSending(foundation, served, { ...place, tried: mail.tried }, log)
  // A stop closes the listener first: the last events are passed on after the last answer.
  started.push(
    () => rounds.stop(),
    () => foundation.refusals.flush(),
    () => served.settled(),
  )
  const upkeep = { foundation, served, rounds, schema, policy, renewalMilliseconds, log }
  started.push(...(await startUpkeep(upkeep)))
  // Nothing is awaited between the first answer of the app and the handling of a stop.
  listener.handle = handlerOf(served, schema)
  announce(foundation, { demonstration, place, metricsUrl: metrics?.url, print, log })
  return {
    issuer: foundation.issuer,
    port: listener.port,
    url: urlOf(config.host, listener.port),
    ...(demonstration === undefined ? {} : { demonstrationUrl: demonstration.url }),
    ...(metrics === undefined ? {} : { metricsUrl: metrics.url }),
    stop,
  }
}

/** Undefined: METRICS_PORT is not set. It closes last, so that a scraper sees the end of a stop. */
async function metricsOf(
  { metrics }: Config,
  started: Started,
): Promise<MetricsEndpoint | undefined> {
  if (metrics === undefined) return undefined
  const endpoint = await openMetrics(metrics)
  started.push(() => endpoint.close())
  return endpoint
}

/** The folder of the outbox lies beside the SQLite file, and otherwise where the demonstration keeps its secrets. */
function outboxParent(config: Config, { storage, folder = DEMONSTRATION_FOLDER }: ServeOptions) {
  return (storage === undefined ? folderOfDatabase(config) : undefined) ?? folder
}

async function open(
  config: Config,
  port: number,
  options: OpenOptions,
  started: Started,
): Promise<{ foundation: Foundation; mailer: SmtpMailer | undefined }> {
  const foundation = await layFoundation(config, { issuer: localIssuer(port), ...options })
  const { storage } = foundation
  started.push(() => storage.close())
  await refuseHalfRestored(storage.settings)
  const mailer = mailerOf(foundation)
  started.push(() => mailer?.close())
  return { foundation, mailer }
}

function handlerOf(served: RenewedApp, schema: SchemaWatch): RequestListener {
  return (request, response) => {
    // The liveness check still succeeds: a restarted process would end at once and would not see the end of the
    // restore, or the migration that makes the schema fit.
    const reason = request.url === LIVENESS_PATH ? undefined : reasonNotToServe(request.url)
    if (reason === undefined) served.app.handle(request, response)
    else answerNotReady(response, reason)
  }

  function reasonNotToServe(url: string | undefined): NotReady | undefined {
    if (served.isRestoring) return 'restoring'
    // The readiness check looks at the schema anew, so that it notices when it fits again.
    return schema.fits || url === READINESS_PATH ? undefined : 'schema'
  }
}

/**
 * Refuses the start after an unfinished restore: in the accounts that it has not reached, revoked things are valid
 * again (R37).
 */
async function refuseHalfRestored(settings: Settings): Promise<void> {
  if ((await unfinishedRestore(settings)) === undefined) return
  throw new ConfigError([
    { setting: 'STORAGE_URL', problem: `a restore has not finished: ${HOW_TO_FINISH}` },
  ])
}
