import Router from '@koa/router'
import { overview } from '../../../src/account/overview.ts'
import type { AccountPage } from '../../../src/account/page.ts'
import { AccountConsole } from '../../../src/account/pages.ts'
import { startServer, type TestOptions, type TestServer } from '../support.ts'

/** A route that the product itself has registered; the routes of the host are not among them. */
export interface OwnRoute {
  readonly method: 'get' | 'post'
  /** The pattern, with its prefix, such as `/mfa/:uid/choose`. */
  readonly path: string
}

/** A button of an account page: the name of the page, which is empty for the overview, and the value of `do`. */
export interface OwnDeed {
  readonly page: string
  readonly deed: string
  /** The proof that the deed needs; `change` for one that the provider's pages make. */
  readonly needs: 'session' | 'recent' | 'proof' | 'change'
}

export interface RecordedServer extends TestServer {
  readonly routes: readonly OwnRoute[]
  readonly deeds: readonly OwnDeed[]
  /** The paths of all account pages. */
  readonly accountPaths: readonly string[]
}

interface Registering {
  register(path: unknown, methods: readonly string[], ...rest: unknown[]): unknown
  readonly opts: { readonly prefix?: string }
}

/**
 * Starts a server and records every route and every account page that it registers, so that a table of them is never
 * behind the product: a suite that goes through the table meets a new page without being told of it.
 */
export async function startRecorded(options: TestOptions = {}): Promise<RecordedServer> {
  const routes: OwnRoute[] = []
  const pages: AccountPage[] = []
  const router = Router.prototype as unknown as Registering
  const account = AccountConsole.prototype
  const [register, page] = [router.register, account.page]
  router.register = function (path, methods, ...rest) {
    const prefix = this.opts.prefix ?? ''
    for (const method of methods)
      if (method === 'get' || method === 'post')
        routes.push({ method, path: `${prefix}${String(path)}` })
    return register.call(this, path, methods, ...rest)
  }
  account.page = function (added) {
    pages.push(added)
    return page.call(this, added)
  }
  try {
    const server = await startServer(options)
    const all = [overviewPage(), ...pages]
    return {
      ...server,
      routes: routes.filter(isFirst),
      deeds: all.flatMap(deedsOf),
      accountPaths: all.map(({ name }) => (name === '' ? '/account' : `/account/${name}`)),
    }
  } finally {
    router.register = register
    account.page = page
  }
}

/** Two routes of one path are one: the first answers. */
function isFirst(route: OwnRoute, at: number, all: readonly OwnRoute[]): boolean {
  return at === all.findIndex(({ method, path }) => method === route.method && path === route.path)
}

/** The overview is no added page; only the names of its deeds are read. */
function overviewPage(): AccountPage {
  const core = { deps: { factors: new Map() } } as unknown as Parameters<typeof overview>[0]
  return overview(core, {} as Parameters<typeof overview>[1], () => [])
}

function deedsOf({ name, deeds = {} }: AccountPage): OwnDeed[] {
  return Object.entries(deeds).map(([deed, about]) => ({
    page: name,
    deed,
    needs: 'changes' in about ? 'change' : about.needs,
  }))
}
