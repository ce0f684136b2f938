/** A line of a generated configuration, without its end. */
export interface ConfigurationLine {
  readonly text: string
  /** The option that caused it, without dashes: `port`. Absent: it is always there. */
  readonly option?: string
}
