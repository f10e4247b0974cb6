export interface Fault {
  /** The name to change: of the environment, or `CONFIG_FILE mfa.required`. */
  readonly setting: string
  /** What is wrong and what mends it. Never holds a value of a secret. */
  readonly problem: string
}

/** Every fault of the settings at once: an operator mends them in one go, not one restart each. */
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

/** Whether a setting is among the faults already: one is enough to mend. */
export function names(faults: readonly Fault[], setting: string): boolean {
  return faults.some((fault) => fault.setting === setting)
}
