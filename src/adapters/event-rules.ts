/** Whether events of a stored record, or of an account, wait to be passed on. */
export function hasEvents({ events }: { readonly events?: unknown }): boolean {
  return Array.isArray(events) && events.length > 0
}
