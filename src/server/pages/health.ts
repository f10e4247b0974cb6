import type Router from '@koa/router'

export const LIVENESS_PATH = '/health/live'

export interface Health {
  /** Throws while nothing can be written. */
  readonly checkWritable: () => Promise<void>
  /** True from the moment the server was told to stop. */
  readonly isStopping: () => boolean
}

/**
 * How long a result is reused. Each check writes durably, and a client that asks without end must not keep the disk
 * busy.
 */
const FRESH_MILLISECONDS = 500
/** A storage that answers later than this is too slow for a sign-in. */
const PATIENCE_MILLISECONDS = 2000

/**
 * Adds the paths for a load balancer: `live` succeeds while the process runs, `ready` while a write succeeds. The
 * responses have no page and no detail.
 */
export function addHealthRoutes(router: Router, { checkWritable, isStopping }: Health): void {
  let last: { at: number; ready: Promise<boolean> } | undefined

  const isReady = (): Promise<boolean> => {
    const now = performance.now()
    if (last === undefined || now - last.at > FRESH_MILLISECONDS)
      last = { at: now, ready: answersInTime(checkWritable()) }
    return last.ready
  }

  router.get(LIVENESS_PATH, (ctx) => {
    ctx.set('Cache-Control', 'no-store')
    ctx.body = { status: 'ok' }
  })

  router.get('/health/ready', async (ctx) => {
    const ready = !isStopping() && (await isReady())
    ctx.set('Cache-Control', 'no-store')
    ctx.status = ready ? 200 : 503
    ctx.body = { status: ready ? 'ok' : 'unavailable' }
  })
}

async function answersInTime(work: Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), PATIENCE_MILLISECONDS)
  })
  try {
    return await Promise.race([
      work.then(
        () => true,
        () => false,
      ),
      late,
    ])
  } finally {
    clearTimeout(timer)
  }
}
