import { ConfigError, type Fault } from '../../../config/fault.ts'
import type { FileValues } from '../../../config/schema.ts'
import { policyFaults, type PolicyOptions } from '../../index.ts'
import { CLAIMS_OF_SCOPE } from '../accounts/claims.ts'
import { levelsIn, serverFactors, type FactorSettings } from './factors.ts'

type PolicySettings = FactorSettings & Pick<FileValues, 'policy' | 'resources'>

/** The scopes that this server itself offers to every app. APIs have more, which a rule may name too. */
export function serverScopes(): readonly string[] {
  return ['openid', 'offline_access', 'authn', ...Object.keys(CLAIMS_OF_SCOPE)]
}

/** The scopes that apps can ask for at the APIs. */
export function scopesOfApis({ resources }: Pick<FileValues, 'resources'>): readonly string[] {
  return [...new Set(Object.values(resources).flatMap(({ scopes }) => scopes))]
}

/** The group `policy` as an option of the plugin, which reads the rules. */
export function policyIn({ policy }: Pick<FileValues, 'policy'>): PolicyOptions {
  return policy as PolicyOptions
}

/** Every fault of the levels and the rules of CONFIG_FILE; each one of a rule has its name in quotes. */
export function faultsOfPolicy(settings: PolicySettings, issuer: string): readonly Fault[] {
  const faults = faultsOfProposed(settings, issuer, policyIn(settings))
  return faults.map((problem) => ({ setting: 'CONFIG_FILE policy:', problem }))
}

/** Every fault that a policy would have in CONFIG_FILE beside these settings, in words. */
export function faultsOfProposed(
  settings: Omit<PolicySettings, 'policy'>,
  issuer: string,
  proposed: unknown,
): readonly string[] {
  return policyFaults(proposed, {
    factors: serverFactors(settings, issuer),
    scopes: [...serverScopes(), ...scopesOfApis(settings)],
    ...levelsIn(settings),
  })
}

/** Throws ConfigError with every fault of the levels and the rules of CONFIG_FILE. */
export function checkPolicy(settings: PolicySettings, issuer: string): void {
  const faults = faultsOfPolicy(settings, issuer)
  if (faults.length > 0) throw new ConfigError(faults)
}
