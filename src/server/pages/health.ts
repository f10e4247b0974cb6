import type { ServerResponse } from 'node:http'
import type Router from '@koa/router'
import type { Logger } from '../observe/log.ts'
import { isSchemaFault } from '../upkeep/schema-watch.ts'

export const LIVENESS_PATH = '/health/live'
export const READINESS_PATH = '/health/ready'

/** Why a node takes no requests at present: the `reason` in the body of `ready`. It names no path and no address. */
export type NotReady =
  | 'starting'
  | 'stopping'
  | 'restoring'
  | 'schema'
  | 'drift'
  | 'storage-not-writable'
  | 'storage-slow'

export interface Health {
  /** Throws while the database has a schema with which this version may not work. */
  readonly checkSchema: () => Promise<void>
  /** Throws while nothing can be written. */
  readonly checkWritable: () => Promise<void>
  /** True from the moment the server was told to stop. */
  readonly isStopping: () => boolean
  /** True while this node cannot send mails that wait: `ready` says so, and still succeeds. */
  readonly isMailFailing: () => Promise<boolean>
  /** True while CONFIG_FILE is broken and older rules are in force: `ready` says so, and still succeeds. */
  readonly isPolicyStale: () => boolean
  /** True while this node takes no requests because it differs from the others (`cluster.strict`). */
  readonly isDrifting: () => boolean
  readonly log: Pick<Logger, 'info' | 'warn'>
}

/**
 * How long a result is reused. Each check writes durably, and a client that asks without end must not keep the disk
 * busy.
 */
const FRESH_MILLISECONDS = 500
/** A storage that answers later than this is too slow for a sign-in. */
const PATIENCE_MILLISECONDS = 2000

interface NodeState {
  readonly fault: NotReady | undefined
  readonly mail: boolean
}

/**
 * Adds the paths for a load balancer: `live` succeeds while the process runs, `ready` while a write succeeds, the server
 * was not told to stop, and it does not differ from the other nodes under `cluster.strict`. The responses have no page
 * and no detail.
 */
export function addHealthRoutes(router: Router, health: Health): void {
  const { checkSchema, checkWritable, isStopping, isDrifting, isMailFailing, log } = health
  const tell = tellChanges(log)
  let last: { at: number; state: Promise<NodeState> } | undefined

  const check = async (): Promise<void> => {
    // Nothing is written to a schema that this version does not know.
    await checkSchema()
    await checkWritable()
  }
  const look = async (): Promise<NodeState> => {
    const fault = await reasonOf(check(), tell)
    // A storage that fails between the two questions is told of at the next one.
    const mail = fault === undefined ? await isMailFailing().catch(() => false) : false
    return { fault, mail }
  }
  const stateOfStorage = (): Promise<NodeState> => {
    const now = performance.now()
    if (last === undefined || now - last.at > FRESH_MILLISECONDS) last = { at: now, state: look() }
    return last.state
  }

  const faultOfNode = (): NotReady | undefined => {
    if (isStopping()) return 'stopping'
    return isDrifting() ? 'drift' : undefined
  }

  router.get(LIVENESS_PATH, (ctx) => {
    ctx.set('Cache-Control', 'no-store')
    ctx.body = { status: 'ok' }
  })

  router.get(READINESS_PATH, async (ctx) => {
    // A stop is looked at again after the wait for the storage: an answer of 200 must not be sent after the signal.
    const now = faultOfNode()
    const { fault, mail } = now === undefined ? await stateOfStorage() : { fault: now, mail: false }
    const reason = faultOfNode() ?? fault
    ctx.set('Cache-Control', 'no-store')
    ctx.status = reason === undefined ? 200 : 503
    ctx.body =
      reason === undefined
        ? {
            status: 'ok',
            ...(mail ? { mail: 'failing' } : {}),
            ...(health.isPolicyStale() ? { policy: 'stale' } : {}),
          }
        : { status: 'unavailable', reason }
  })
}

/**
 * The response to every request during a start and a restore: the client is told to try again, instead of waiting
 * without an answer.
 */
export function answerNotReady(response: ServerResponse, reason: NotReady): void {
  response
    .writeHead(503, {
      'Retry-After': '1',
      'Cache-Control': 'no-store',
      'Content-Type': 'application/json; charset=utf-8',
    })
    .end(JSON.stringify({ status: 'unavailable', reason }))
}

interface Outcome {
  readonly reason?: NotReady
  /** Why the write failed. */
  readonly error?: unknown
}

/** Logs the cause when `ready` begins to answer 503 or has another reason, not at each question of a load balancer. */
function tellChanges(log: Health['log']): (outcome: Outcome) => void {
  let told: NotReady | undefined
  return ({ reason, error }) => {
    if (reason === told) return
    told = reason
    if (reason === undefined) log.info('ready again')
    else log.warn({ reason, ...(error === undefined ? {} : { error }) }, 'not ready')
  }
}

async function reasonOf(
  work: Promise<void>,
  tell: (outcome: Outcome) => void,
): Promise<NotReady | undefined> {
  const outcome = await outcomeOf(work)
  tell(outcome)
  return outcome.reason
}

async function outcomeOf(work: Promise<void>): Promise<Outcome> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<Outcome>((resolve) => {
    timer = setTimeout(() => resolve({ reason: 'storage-slow' }), PATIENCE_MILLISECONDS)
  })
  try {
    return await Promise.race([
      work.then(
        (): Outcome => ({}),
        (error: unknown): Outcome => ({
          reason: isSchemaFault(error) ? 'schema' : 'storage-not-writable',
          error,
        }),
      ),
      late,
    ])
  } finally {
    clearTimeout(timer)
  }
}
