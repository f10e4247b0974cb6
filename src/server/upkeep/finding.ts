/** The result of `doctor` about one thing that it has checked. */
export interface Finding {
  readonly check: string
  readonly result: 'ok' | 'warning' | 'failed'
  /** It contains no secret. */
  readonly detail: string
}
