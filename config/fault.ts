export interface Fault {
  /** The setting to change: a name of the environment, or `CONFIG_FILE mfa.required`. */
  readonly setting: string
  /** The fault and its correction. Never holds the value of a secret. */
  readonly problem: string
}

/** All faults of the settings together, so that an operator can correct them all before the next start. */
export class ConfigError extends Error {
  readonly faults: readonly Fault[]

  constructor(faults: readonly Fault[]) {
    super(
      ['The settings cannot be used:', ...faults.map((fault) => `  ${inWords(fault)}`)].join('\n'),
    )
    this.name = 'ConfigError'
    this.faults = faults
  }
}

export function inWords(fault: Fault): string {
  return `${fault.setting} ${fault.problem}`
}

/** The code, such as `ENOENT`, instead of the whole message: it is enough to correct the fault. */
export function reason(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : 'unreadable'
}

/** Whether the faults name a setting already; one fault for each setting is enough. */
export function names(faults: readonly Fault[], setting: string): boolean {
  return faults.some((fault) => fault.setting === setting)
}
