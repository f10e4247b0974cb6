import { PLUGIN_INSTRUMENTS, type Instrument } from '../../observe/instruments.ts'

/** The instruments that only the complete server has. */
export const SERVER_INSTRUMENTS = {} as const satisfies Readonly<Record<string, Instrument>>

/** Every instrument of the server. */
export const INSTRUMENTS: Readonly<Record<string, Instrument>> = {
  ...PLUGIN_INSTRUMENTS,
  ...SERVER_INSTRUMENTS,
}
