import { MfaError } from '../domain/errors.ts'
import { loadRecord } from './commit.ts'
import type { Dependencies } from './dependencies.ts'
import { openState } from './sealed-state.ts'

/**
 * Opens everything that the account has and that a sign-in would open, without a sign-in. Throws MfaError
 * `record-unreadable`, `seal-broken` or `key-missing`; `options-invalid` for a factor that is not offered.
 */
export async function checkAccount(deps: Dependencies, accountId: string): Promise<void> {
  const { record } = await loadRecord(deps, accountId)
  for (const authenticator of record.authenticators) {
    const factor = deps.factors.get(authenticator.factor)
    if (factor === undefined)
      throw new MfaError(
        'options-invalid',
        `An account has the factor ${authenticator.factor}, which is not among \`factors\``,
      )
    factor.parseState(openState(deps.box, accountId, authenticator))
  }
}
