import type { JsonObject } from '../../domain/json.ts'
import type { HostClient } from '../../host/provider.ts'

/** A client as the policy reads it, for a command, which has no provider: the standard's members are in camel case. */
export function policyClient(metadata: JsonObject): HostClient {
  const client: Record<string, unknown> = { ...metadata }
  for (const [name, value] of Object.entries(metadata)) client[inCamelCase(name)] = value
  return client as unknown as HostClient
}

function inCamelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
