import { errors, type Client, type Configuration, type KoaContextWithOIDC } from 'oidc-provider'
import type { Core } from '../../interactions/core.ts'
import { CHANGE_PARAMETER } from '../../interactions/request.ts'
import { parseFactorChange } from '../domain/factor-change.ts'
import { routeOf } from '../host/context.ts'

type ExtraParams = Configuration['extraParams']

/** The routes that lead to a browser, where a page can ask for the fresh factor that a change needs. */
const ROUTES = ['authorization', 'pushed_authorization_request']

/** Whether the application has a parameter of our name: the plugin could not tell which of the two a request means. */
export function takesOurName(own: ExtraParams): boolean {
  return Object.hasOwn(asObject(own), CHANGE_PARAMETER)
}

/**
 * The application's own parameters and `mfa_action`, by which an app that the application names asks for a change of
 * the person's factors. The parameter is refused with `invalid_request` for every other app: if it were ignored, the
 * app would take the sign-in that follows for the change.
 */
export function withChangeParameter(core: Core, own: ExtraParams): NonNullable<ExtraParams> {
  return {
    ...asObject(own),
    [CHANGE_PARAMETER]: async (
      ctx: KoaContextWithOIDC,
      value: string | undefined,
      client: Client,
    ): Promise<void> => {
      if (value === undefined) return
      if (!ROUTES.includes(routeOf(ctx.oidc) ?? '') || !(await core.mayManage(client)))
        throw new errors.InvalidRequest(`${CHANGE_PARAMETER} is not for this client or endpoint`)
      if (!isOffered(core, value))
        throw new errors.InvalidRequest(`${CHANGE_PARAMETER} is no change that is offered here`)
    },
  }
}

function isOffered({ deps: { factors } }: Core, value: string): boolean {
  const change = parseFactorChange(value)
  switch (change?.kind) {
    case undefined:
      return false
    case 'add':
      return change.factor === undefined || factors.get(change.factor)?.enrolment === 'confirmed'
    case 'renew':
      return factors.get(change.factor)?.enrolment === 'issued'
    case 'remove':
    case 'rename':
    case 'replace':
    case 'prove':
      return true
  }
}

type Checks = Exclude<NonNullable<ExtraParams>, readonly string[] | Set<string>>

/** Parameters as an object of checks by name. The host also accepts names alone, as a list or a set. */
function asObject(own: ExtraParams): Checks {
  if (Array.isArray(own) || own instanceof Set)
    return Object.fromEntries([...(own as Iterable<string>)].map((name) => [name, null]))
  return { ...(own as Checks | undefined) }
}
