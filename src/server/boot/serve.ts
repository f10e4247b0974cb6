import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ConfigError, inWords, type Config } from '../../../config/environment.ts'
import { DEMONSTRATION_FOLDER } from '../../../config/load.ts'
import type { SmtpMailer } from '../../adapters/mail/index.ts'
import type { Settings } from '../../ports/settings.ts'
import { createApp, type AppServices } from './app.ts'
import {
  demonstrationClient,
  prepareDemonstration,
  startDemonstration,
  type DemonstrationSecrets,
} from './demonstration.ts'
import { layFoundation, mailerOf, type Foundation, type OpenOptions } from './foundation.ts'
import { folderOfDatabase, letterSenderOf, postOf, type PostPlace } from './post.ts'
import { senderRounds, type SenderRounds } from '../notices/rounds.ts'
import { passWaitingEventsOn } from '../notices/waiting.ts'
import { renewedApp, type RenewedApp } from '../upkeep/renewal.ts'
import { tellRecoveries } from '../upkeep/recoveries.ts'
import { sweepStorage } from '../upkeep/sweep.ts'
import { openLog, type Logger } from '../observe/log.ts'
import { LIVENESS_PATH } from '../pages/health.ts'
import { HOW_TO_FINISH, unfinishedRestore } from '../upkeep/restore.ts'

export interface ServeOptions extends OpenOptions {
  /** Prints a line to the person at the terminal. The log is separate. */
  readonly print: (line: string) => void
  readonly log?: Logger
  /** The folder in which the demonstration keeps its secrets. Default: `data/`. */
  readonly folder?: string
  /** The interval at which a node looks for changed keys and for a restore. Default: one minute. */
  readonly renewalMilliseconds?: number
  /** Whether SIGTERM and SIGINT stop the server. Default: yes. */
  readonly signals?: boolean
}

export interface Running {
  readonly issuer: string
  readonly url: string
  readonly port: number
  readonly demonstrationUrl?: string
  /** Finishes the requests under way, refuses new ones, and closes the storage. */
  stop(): Promise<void>
}

/** How long a stop waits for responses under way. Checking a password and a code takes about a second. */
const GRACE_MILLISECONDS = 10_000
const SWEEP_MILLISECONDS = 60_000
/** A mail that was not sent is due again after 15 s at the earliest, and goes within 30 s. */
const SENDING_MILLISECONDS = 10_000
/** Notices of a recovery that are due by the time go out within a minute. */
const RECOVERIES_MILLISECONDS = 60_000
/** How long a node may work before it notices what a command has changed: its keys, or a restore that has begun. */
const RENEWAL_MILLISECONDS = 60_000

/** How long a client may take to send a request. A slower one holds the connection on purpose. */
const REQUEST_MILLISECONDS = 30_000

/** Starts the server and, outside production and unless DEMO is off, the demonstration. */
export async function serve(config: Config, options: ServeOptions): Promise<Running> {
  const log = options.log ?? openLog(config.logLevel)
  const door: Door = { handle: answerNotYet, isStopping: false }
  const server = createServer({ requestTimeout: REQUEST_MILLISECONDS }, (request, response) =>
    door.handle(request, response),
  )
  await listen(server, config.port, config.host)
  const { port } = server.address() as AddressInfo
  // The steps are undone in the reverse order, after a stop and after a start that failed.
  const started: Started = [() => close(server)]
  const undo = async (): Promise<void> => {
    for (const step of started.splice(0).reverse()) await step()
  }

  try {
    const { foundation, mailer } = await open(config, port, options, started)
    const place = postOf(foundation, mailer, outboxParent(config, options))
    const demonstration = await demonstrate(foundation, options.folder, started)
    const services: AppServices = {
      log,
      isStopping: () => door.isStopping,
      post: place.post,
      ...(mailer === undefined ? {} : { mailer }),
      ...demonstration?.services,
    }
    const served = await renewedApp(foundation, () => createApp(foundation, services), log)
    door.handle = handlerOf(served)
    const rounds = roundsOf(foundation, served, place, log)
    // The last events are passed on only after the server has stopped answering requests.
    started.push(
      () => rounds.stop(),
      () => foundation.refusals.flush(),
      () => served.settled(),
      () => close(server),
    )
    started.push(...upkeepOf({ foundation, served, rounds, options, log }))
    await lookAtRecoveries(foundation, served, log)
    announce(foundation, { demonstration, place }, options, log)

    const running: Running = {
      issuer: foundation.issuer,
      port,
      url: `http://${config.host}:${port}`,
      ...(demonstration === undefined ? {} : { demonstrationUrl: demonstration.url }),
      async stop() {
        door.isStopping = true
        await undo()
      },
    }
    if (options.signals !== false) stopOnSignal(running, log)
    return running
  } catch (error) {
    await undo()
    throw error
  }
}

/** The folder of the outbox lies beside the SQLite file, and otherwise where the demonstration keeps its secrets. */
function outboxParent(config: Config, { storage, folder = DEMONSTRATION_FOLDER }: ServeOptions) {
  return (storage === undefined ? folderOfDatabase(config) : undefined) ?? folder
}

/** The function that answers requests at present: a refusal during the start, then the app. */
interface Door {
  handle: RequestListener
  isStopping: boolean
}

/** How to undo each step of the start, in the order of the steps. */
type Started = (() => unknown)[]

async function open(
  config: Config,
  port: number,
  options: OpenOptions,
  started: Started,
): Promise<{ foundation: Foundation; mailer: SmtpMailer | undefined }> {
  const foundation = await layFoundation(config, { issuer: `http://localhost:${port}`, ...options })
  const { storage } = foundation
  started.push(() => storage.close())
  await refuseHalfRestored(storage.settings)
  const mailer = mailerOf(foundation)
  started.push(() => mailer?.close())
  return { foundation, mailer }
}

interface RunningDemonstration {
  readonly url: string
  readonly secrets: DemonstrationSecrets
  readonly services: Pick<AppServices, 'demonstrationAccountId' | 'builtInClients'>
}

/** Starts the demonstration's relying party. Returns undefined if the settings want no demonstration. */
async function demonstrate(
  foundation: Foundation,
  folder: string | undefined,
  started: Started,
): Promise<RunningDemonstration | undefined> {
  if (foundation.config.demonstration === undefined) return undefined
  const { account, secrets } = await prepareDemonstration(foundation, folder)
  // The relying party starts before its provider: its address decides what is registered, and it looks for the
  // provider only when somebody signs in.
  const app = await startDemonstration(foundation, secrets)
  started.push(() => app.close())
  return {
    url: app.url,
    secrets,
    services: {
      demonstrationAccountId: account.id,
      builtInClients: [demonstrationClient(app.url, secrets)],
    },
  }
}

function handlerOf(served: RenewedApp): RequestListener {
  return (request, response) => {
    // The liveness check still succeeds: a restarted process would end at once and would not see the end of the
    // restore.
    if (served.isRestoring && request.url !== LIVENESS_PATH) answerNotYet(request, response)
    else served.app.handle(request, response)
  }
}

/** Sends what waits in the outbox: at the start, when something is put there, and repeatedly. */
function roundsOf(
  foundation: Foundation,
  served: RenewedApp,
  { post }: PostPlace,
  log: Logger,
): SenderRounds {
  const { mfa } = served.app
  const rounds = senderRounds(letterSenderOf(foundation, { post, mfa, log }), log)
  foundation.letters.onPut(() => rounds.begin())
  rounds.begin()
  return rounds
}

interface Upkeep {
  readonly foundation: Foundation
  readonly served: RenewedApp
  readonly rounds: SenderRounds
  readonly options: ServeOptions
  readonly log: Logger
}

/** Starts the repeated tasks; returns the functions that stop them. */
function upkeepOf({ foundation, served, rounds, options, log }: Upkeep): Started {
  const passOn = (): Promise<void> =>
    passWaitingEventsOn(foundation, served.app.mfa).catch((error: unknown) =>
      log.warn({ error }, 'events that waited were not passed on'),
    )
  void passOn()
  return [
    every(SENDING_MILLISECONDS, async () => rounds.begin()),
    every(SWEEP_MILLISECONDS, async () => {
      await foundation.refusals
        .flush()
        .catch((error: unknown) => log.warn({ error }, 'refusals were not recorded'))
      await sweepStorage(foundation).catch((error: unknown) => log.warn({ error }, 'not swept'))
      await passOn()
    }),
    every(RECOVERIES_MILLISECONDS, () => lookAtRecoveries(foundation, served, log)),
    every(options.renewalMilliseconds ?? RENEWAL_MILLISECONDS, async () => {
      await served
        .renew()
        .catch((error: unknown) => log.error({ error }, 'not looked at what commands have changed'))
    }),
  ]
}

/** A storage that is away is no reason to stop: the next minute looks again. */
async function lookAtRecoveries(
  { storage }: Foundation,
  served: RenewedApp,
  log: Logger,
): Promise<void> {
  const report = (error: unknown): void => log.warn({ error }, 'a recovery was not looked at')
  if (served.isRestoring) return
  await tellRecoveries(storage.settings, served.app.mfa, report).catch(report)
}

interface Announced {
  readonly demonstration: RunningDemonstration | undefined
  readonly place: PostPlace
}

/** Tells the person at the terminal the addresses, the demonstration's account, and what production would refuse. */
function announce(
  { config, issuer }: Foundation,
  { demonstration, place }: Announced,
  { print }: ServeOptions,
  log: Logger,
): void {
  print(`oidc-provider-mfa: ${issuer}`)
  if (demonstration === undefined)
    print(`no demonstration: ${config.production ? 'NODE_ENV is production' : 'DEMO is off'}`)
  else {
    print(`demonstration app: ${demonstration.url}`)
    print(`user: ${demonstration.secrets.username}`)
    print(`password: ${demonstration.secrets.password}`)
    print('This account may set up its first factor with the password alone.')
  }
  if (place.folder !== undefined) print(`no mail server: mails are .eml files in ${place.folder}`)
  if (config.unfit.length > 0) {
    print('Not fit for production:')
    for (const fault of config.unfit) print(`  ${inWords(fault)}`)
  }
  if (config.production && config.trustedProxies.length === 0)
    log.warn('TRUSTED_PROXIES is empty: behind a proxy everybody shares the limits of its address')
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

/** The response during a start and a restore: the client is told to try again, instead of waiting without an answer. */
const answerNotYet: RequestListener = (_request, response) => {
  response.writeHead(503, { 'Retry-After': '1', 'Cache-Control': 'no-store' }).end()
}

function stopOnSignal(running: Running, log: Logger): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.once(signal, () => {
      log.info({ signal }, 'stopping')
      running.stop().catch((error: unknown) => {
        log.error({ error }, 'not stopped cleanly')
        process.exitCode = 1
      })
    })
}

async function listen(server: Server, port: number, host: string): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, host, () => {
        server.off('error', reject)
        resolve()
      })
    })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EADDRINUSE')
      throw new ConfigError([{ setting: 'PORT', problem: `${port} is taken: choose another` }])
    if (code === 'EACCES' || code === 'EADDRNOTAVAIL')
      throw new ConfigError([
        { setting: 'HOST', problem: `${host}:${port} is not ours to listen on` },
      ])
    throw error
  }
}

/** Lets responses under way finish. Idle connections are closed at once, the others when the grace period is over. */
async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve())
  })
  server.closeIdleConnections()
  const timer = setTimeout(() => server.closeAllConnections(), GRACE_MILLISECONDS)
  await closed
  clearTimeout(timer)
}

/** Runs the work repeatedly, never twice at once. The timer alone does not keep the process alive. */
function every(milliseconds: number, work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined
  const timer = setInterval(() => {
    running ??= work().finally(() => {
      running = undefined
    })
  }, milliseconds)
  timer.unref()
  return async () => {
    clearInterval(timer)
    await running
  }
}
